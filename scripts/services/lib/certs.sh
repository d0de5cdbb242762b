# Certificates of the test services: made by openssl(1) once and again a day before they end. None of them protects anything.
#
#   ca.pem              the authority that has signed all but the stranger's
#   server.pem .key     for localhost, not for 127.0.0.1: that address is the wrong host name
#   expired.pem .key    for localhost, ended
#   client.pem .key     CN=millstream; client.p12 holds the same under the password "changeit"
#   encrypted.key       client.key under the password "changeit"
#   expired-client.pem .key    CN=millstream, ended
#   stranger-ca.pem     an authority that nobody trusts
#   stranger-client.pem .key   CN=millstream, signed by that one

certs_dir() { printf '%s' "$SERVICES_HOME/certs"; }

# certs_make: the folder gets its name when it is whole.
certs_make() {
  local dir part
  dir=$(certs_dir)
  # The last one of them: a folder of an older version lacks it.
  if [ -e "$dir/stranger-client.pem" ] && openssl x509 -checkend 86400 -noout -in "$dir/server.pem" >/dev/null 2>&1; then return 0; fi
  part=$dir.part
  rm -rf "$dir" "$part"
  (umask 022; mkdir -p "$part")
  if ! (cd "$part" && certs_write) >"$part/log" 2>&1; then
    warn 'certificates: openssl failed:'
    tail -n 20 "$part/log" | sed 's/^/  openssl | /' >&2
    return 1
  fi
  mv "$part" "$dir"
}

certs_write() {
  set -e
  certs_authority ca 'Millstream test CA'
  certs_authority stranger-ca 'A stranger'
  certs_sign server localhost 3650
  certs_sign client millstream 3650
  certs_sign expired localhost -1
  certs_sign expired-client millstream -1
  openssl pkcs12 -export -in client.pem -inkey client.key -certfile ca.pem -passout pass:changeit -out client.p12
  openssl pkcs8 -topk8 -in client.key -passout pass:changeit -out encrypted.key
  certs_sign stranger-client millstream 3650 stranger-ca
  # Java reads a trust or key store that is one PEM file with the key before its chain.
  for name in server expired; do cat "$name.key" "$name.pem" ca.pem >"$name-store.pem"; done
  chmod 644 ./*
}

certs_authority() { # certs_authority NAME SUBJECT
  openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 3650 -subj "/CN=$2" -keyout "$1.key" -out "$1.pem" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}

certs_sign() { # certs_sign NAME HOST DAYS [AUTHORITY]: the key is PKCS #8, which Java wants
  local authority=${4:-ca}
  openssl req -newkey rsa:2048 -nodes -sha256 -subj "/CN=$2" -keyout "$1.key" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -sha256 -CA "$authority.pem" -CAkey "$authority.key" -CAcreateserial -days "$3" -out "$1.pem" \
    -extfile <(printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=CA:FALSE\n' "$2")
  rm -f "$1.csr"
}
