//! A disk that is full, under a filesystem sink and under the checkpoint folder: an error that names the file, no half row,
//! and nothing lost or doubled by going on.

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

/// The same, but the second job begins without room too, fails, and is given room while it lives. Arguments: the disk,
/// where to copy it to, the two jobs, and the command in front of them.
const SCRIPT_OF_TWO: &str = r#"
disk=$1 copy=$2 first=$3 second=$4; shift 4
mount -t tmpfs -o size=128k tmpfs "$disk" || exit 77
"$@" "$first"; echo "ended with $?" >&2
cp -r "$disk" "$copy/full"
echo 'again' >&2
"$@" "$second" 2>"$copy/log" & job=$!
until grep -q 'starting it anew' "$copy/log" || ! kill -0 $job 2>/dev/null; do sleep 0.05; done
mount -o remount,size=64m "$disk" || exit 78
wait $job; ended=$?
cat "$copy/log" >&2
echo "ended with $ended" >&2
umount "$disk"
"#;

/// What a script says where small disks can be mounted; None where they can't and that is allowed.
fn on_a_small_disk<'a>(script: &str, arguments: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let id = Command::new("id").arg("-u").output().unwrap();
    let unshare: &[&str] = if id.stdout == b"0\n" { &["-m"] } else { &["-rm"] };
    let ended = Command::new("unshare").args(unshare).args(["sh", "-c", script, "full-disk"]).args(arguments).output();
    let may_skip = std::env::var_os("MILLSTREAM_TEST_WITHOUT_MOUNT").is_some();
    let Ok(ended) = ended else {
        assert!(may_skip, "this system has no unshare(1); MILLSTREAM_TEST_WITHOUT_MOUNT=1 goes without this test");
        return None;
    };
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    if ended.status.code() == Some(77) || said.starts_with("unshare:") {
        assert!(
            may_skip,
            "no small disk can be mounted; MILLSTREAM_TEST_WITHOUT_MOUNT=1 goes without this test: {said}"
        );
        return None;
    }
    Some(said)
}

/// The lines of all files, hidden ones too; what an exactly-once sink keeps beside them is none.
fn lines(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|file| !file.ends_with(".millstream"))
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

/// The names of all files below a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => names(&path),
            false => vec![path.display().to_string()],
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
    let [disk_name, copy_name, config] = [&disk, &copy, &config].map(|path| path.to_str().unwrap());
    let command = [env!("CARGO_BIN_EXE_millstream"), "run", "--config", config, &job];
    let Some(said) = on_a_small_disk(SCRIPT, [disk_name, copy_name].into_iter().chain(command)) else { return };
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

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_checkpoints_loses_and_doubles_nothing_and_with_room_the_job_goes_on() {
    let stage = Stage::new().await;
    let input = stage.topic("cpu_load_stats_real").create(1).await;
    // Nothing packs them into less than the disk has.
    let scattered = |i: u64, by: u64| (i + 1).wrapping_mul(by) ^ (i + 1).wrapping_mul(by).rotate_left(29);
    let name =
        |i| format!("{:016x}{:016x}{i}", scattered(i, 0x9e37_79b9_7f4a_7c15), scattered(i, 0xd1b5_4a32_d192_ed03));
    let hosts: Vec<String> = (0..20_000).map(name).collect();
    input.send(hosts.iter().map(|host| (host, format!(r#"{{"hostname":"{host}"}}"#))));
    let (disk, copy, rows) = (stage.path("disk"), stage.path("copy"), stage.path("rows"));
    for folder in [&disk, &copy] {
        std::fs::create_dir(folder).unwrap();
    }
    let job = |name: &str, restarts: &str| {
        let sql = format!(
            "SET 'execution.checkpointing.interval' = '20 ms';
             SET 'pipeline.name' = 'distinct hosts';
             {restarts}
             CREATE TABLE r (hostname STRING) WITH ('connector' = 'kafka', 'topic' = '{}', 'format' = 'json',
               'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
             CREATE TABLE f (hostname STRING) WITH ('connector' = 'filesystem', 'path' = '{}',
               'format' = 'debezium-json');
             INSERT INTO f SELECT DISTINCT hostname FROM r;",
            input.name,
            rows.display(),
        );
        stage.write(name, &sql)
    };
    let first = job("first.sql", "SET 'restart-strategy.type' = 'none';");
    let second = job(
        "second.sql",
        "SET 'restart-strategy.type' = 'fixed-delay';
         SET 'restart-strategy.fixed-delay.attempts' = '1000000';
         SET 'restart-strategy.fixed-delay.delay' = '50 ms';",
    );
    let config = stage.path("generated.toml");
    let [disk_name, copy_name, config] = [&disk, &copy, &config].map(|path| path.to_str().unwrap());
    let command = [env!("CARGO_BIN_EXE_millstream"), "run", "--config", config, "--state", disk_name];
    let folders_and_jobs = [disk_name, copy_name, &first, &second];
    let Some(said) = on_a_small_disk(SCRIPT_OF_TWO, folders_and_jobs.into_iter().chain(command)) else { return };
    let (first, second) = said.split_once("again\n").unwrap_or_else(|| panic!("{said}"));
    for said in [first, second] {
        assert!(said.contains(&format!("cannot write \"{}/", disk.display())), "{said}");
        assert!(said.contains("No space left on device"), "{said}");
    }
    assert!(first.contains("is there room on its disk"), "{said}");
    assert_eq!(first.matches("error:").count(), 1, "{said}");
    assert!(first.contains("ended with 1") && second.contains("ended with 0"), "{said}");
    let halves: Vec<_> =
        names(&copy.join("full")).into_iter().filter(|n| n.contains('#') || n.ends_with(".part")).collect();
    assert!(halves.is_empty(), "left on the full disk: {halves:?}");
    let mut written = lines(&rows);
    written.sort_unstable();
    let line = |host: &String| format!(r#"{{"before":null,"after":{{"hostname":"{host}"}},"op":"c"}}"#);
    let mut expected: Vec<_> = hosts.iter().map(line).collect();
    expected.sort_unstable();
    assert!(written == expected, "{} rows were written, not {}", written.len(), expected.len());
    stage.clear().await;
}
