//! How much memory this process may use: what its control groups allow, or what the machine has.

use std::path::Path;

/// Of it, operators may hold so much unless `--memory` says otherwise; the rest is for rows on their way.
const SHARE_PERCENT: usize = 80;

/// What operators may hold where nothing else is said; `None` where the system doesn't tell.
pub fn default_budget() -> Option<usize> {
    usable(Path::new("/")).map(|bytes| bytes / 100 * SHARE_PERCENT)
}

/// The bytes that a process may use, as the files below `root` have it (Linux).
fn usable(root: &Path) -> Option<usize> {
    let read = |path: &str| std::fs::read_to_string(root.join(path)).ok();
    let total = read("proc/meminfo").and_then(|text| mem_total(&text));
    let groups = read("proc/self/cgroup").unwrap_or_default();
    let limits = limit_files(&groups).into_iter().filter_map(|path| read(&path)?.trim().parse::<usize>().ok());
    // A group without a limit says `max`, or in version 1 a number that is larger than any machine.
    total.into_iter().chain(limits).min()
}

/// `MemTotal:       16281684 kB`
fn mem_total(meminfo: &str) -> Option<usize> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()?.checked_mul(1024)
}

/// Where the limits of a process' memory group and of those above it are, of version 2 (`0::/a/b`) and 1
/// (`4:memory:/a/b`). In a container the group's own path may not be there; then the top one is its limit.
fn limit_files(groups: &str) -> Vec<String> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else { continue };
        let (top, file) = match controllers {
            "" => ("sys/fs/cgroup", "memory.max"),
            controllers if controllers.split(',').any(|name| name == "memory") => {
                ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let above = Path::new(group).ancestors().map(|group| group.to_string_lossy().into_owned());
        files.extend(above.map(|group| format!("{top}{}/{file}", group.trim_end_matches('/'))));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    const MEMINFO: (&str, &str) = ("proc/meminfo", "MemTotal:       16000 kB\nMemFree:        9000 kB\n");

    #[test]
    fn the_smallest_limit_of_a_group_and_those_above_it_counts() {
        let groups = ("proc/self/cgroup", "0::/jobs/one\n");
        let limits = [
            MEMINFO,
            groups,
            ("sys/fs/cgroup/jobs/memory.max", "1000\n"),
            ("sys/fs/cgroup/jobs/one/memory.max", "max\n"),
        ];
        assert_eq!(usable(root(&limits).path()), Some(1000));
        let old = ("proc/self/cgroup", "5:cpu:/x\n4:memory,hugetlb:/x\n");
        let limits = [MEMINFO, old, ("sys/fs/cgroup/memory/memory.limit_in_bytes", "2000")];
        assert_eq!(usable(root(&limits).path()), Some(2000));
    }

    #[test]
    fn without_limits_it_is_what_the_machine_has() {
        let limits = [MEMINFO, ("proc/self/cgroup", "0::/\n"), ("sys/fs/cgroup/memory.max", "max")];
        assert_eq!(usable(root(&limits).path()), Some(16_384_000));
        assert_eq!(usable(root(&[]).path()), None);
    }
}
