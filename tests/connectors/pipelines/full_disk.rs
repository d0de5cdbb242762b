//! A disk that is full under a filesystem sink: one error that names the file, no half row, and nothing lost by going on.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::stage::Stage;

/// Runs the job on a small disk of its own, shows what is left there, makes room, and runs it again. A user who is not
/// root is root in a name space of its own. Arguments: the disk, where to copy it to, and the command of the job.
const SCRIPT: &str = r#"
disk=$1 copy=$2; shift 2
mount -t tmpfs -o size=128k tmpfs "$disk" || exit 77
"$@"; echo "ended with $?" >&2
cp -r "$disk" "$copy/full"
mount -o remount,size=64m "$disk" || exit 78
echo 'there is room' >&2
"$@"; echo "ended with $?" >&2
cp -r "$disk" "$copy/room"
umount "$disk"
"#;

/// The lines of all files, hidden ones too.
fn lines(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .flat_map(|file| {
            assert!(
                !file.file_name().unwrap().to_string_lossy().starts_with('.'),
                "{} was left behind",
                file.display()
            );
            std::fs::read_to_string(&file).unwrap().lines().map(str::to_string).collect::<Vec<_>>()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_fails_the_job_by_name_and_with_room_it_goes_on() {
    let stage = Stage::new().await;
    let input = stage.topic("cpu_load_stats_real").create(1).await;
    let hosts: Vec<_> = (0..4000).map(|i| format!("a-host-with-a-long-name-that-fills-the-disk-{i}")).collect();
    input.send(hosts.iter().map(|host| (host, format!(r#"{{"hostname":"{host}"}}"#))));
    let (disk, copy) = (stage.path("disk"), stage.path("copy"));
    for folder in [&disk, &copy] {
        std::fs::create_dir(folder).unwrap();
    }
    let sql = format!(
        "SET 'execution.checkpointing.interval' = '20 ms';
         SET 'restart-strategy.type' = 'none';
         CREATE TABLE r (hostname STRING) WITH ('connector' = 'kafka', 'topic' = '{topic}', 'properties.group.id' = '{topic}',
           'scan.startup.mode' = 'group-offsets', 'properties.auto.offset.reset' = 'earliest',
           'scan.bounded.mode' = 'latest-offset', 'value.format' = 'json');
         CREATE TABLE f (hostname STRING) WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'json',
           'sink.rolling-policy.file-size' = '32 kb');
         INSERT INTO f SELECT hostname FROM r;",
        disk.display(),
        topic = input.name,
    );
    let job = stage.write("full.sql", &sql);
    let config = stage.path("generated.toml");
    let id = Command::new("id").arg("-u").output().unwrap();
    let unshare: &[&str] = if id.stdout == b"0\n" { &["-m"] } else { &["-rm"] };
    let ended = Command::new("unshare")
        .args(unshare)
        .args(["sh", "-c", SCRIPT, "full-disk"])
        .args([&disk, &copy])
        .args([env!("CARGO_BIN_EXE_millstream"), "run", "--config", config.to_str().unwrap(), &job])
        .output();
    let may_skip = std::env::var_os("MILLSTREAM_TEST_WITHOUT_MOUNT").is_some();
    let Ok(ended) = ended else {
        assert!(may_skip, "this system has no unshare(1); MILLSTREAM_TEST_WITHOUT_MOUNT=1 goes without this test");
        return;
    };
    let said = String::from_utf8_lossy(&ended.stderr);
    if ended.status.code() == Some(77) || said.starts_with("unshare:") {
        assert!(
            may_skip,
            "no small disk can be mounted; MILLSTREAM_TEST_WITHOUT_MOUNT=1 goes without this test: {said}"
        );
        return;
    }
    let (first, second) = said.split_once("there is room").unwrap_or_else(|| panic!("{said}"));
    let message = format!("cannot write \"{}/part-", disk.display());
    assert!(first.contains(&message) && first.contains(": no space left on device"), "{said}");
    assert!(first.contains("hint: Make room on the disk and start the job again."), "{said}");
    assert_eq!(first.matches("error:").count(), 1, "{said}");
    assert!(first.contains("ended with 1") && second.contains("ended with 0"), "{said}");
    for folder in ["full", "room"] {
        for line in lines(&copy.join(folder)) {
            serde_json::from_str::<serde_json::Value>(&line).unwrap_or_else(|e| panic!("half a row: {line}: {e}"));
        }
    }
    let written: BTreeSet<_> = lines(&copy.join("room")).into_iter().collect();
    let expected: BTreeSet<_> = hosts.iter().map(|host| format!(r#"{{"hostname":"{host}"}}"#)).collect();
    assert!(written == expected, "{} of {} rows were written", written.len(), expected.len());
    stage.clear().await;
}
