//! What a machine without internet gets: one archive that is whole, and a unit file whose words the service knows.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn run(program: &Path, arguments: &[&str], directory: &Path) -> String {
    let output = Command::new(program).args(arguments).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{}: {output:?}", program.display());
    String::from_utf8(output.stdout).unwrap()
}

/// Stands for the binary, which would take a while to pack.
fn stub(directory: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.join("stub");
    std::fs::write(&path, "#!/bin/sh\necho watchfire 9.9.9\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn the_archive_holds_all_that_runs_and_its_checksums_hold() {
    let directory = tempfile::tempdir().unwrap();
    let stub = stub(directory.path());
    let archive = |name: &str| {
        let path = directory.path().join(name);
        run(
            &root().join("src/app/packaging/archive"),
            &[stub.to_str().unwrap(), path.to_str().unwrap()],
            directory.path(),
        );
        std::fs::read(&path).unwrap()
    };
    assert_eq!(archive("first.tar.gz"), archive("second.tar.gz"), "the same files make the same archive");
    run(Path::new("tar"), &["xzf", "first.tar.gz"], directory.path());
    let unpacked = directory.path().join("watchfire-9.9.9");
    run(Path::new("sha256sum"), &["-c", "--quiet", "SHA256SUMS"], &unpacked);
    for file in ["watchfire", "watchfire.service", "README.md", "LICENSE", "rules/README.md", "dashboards"] {
        assert!(unpacked.join(file).exists(), "{file}");
    }
    let sums = std::fs::read_to_string(unpacked.join("SHA256SUMS")).unwrap();
    let files = run(Path::new("find"), &[".", "-type", "f", "!", "-name", "SHA256SUMS"], &unpacked);
    assert_eq!(sums.lines().count(), files.lines().count(), "every file has its checksum");
    run(Path::new(env!("CARGO_BIN_EXE_watchfire")), &["check", "rules"], &unpacked);
    assert_eq!(run(&unpacked.join("watchfire"), &[], &unpacked), "watchfire 9.9.9\n");
    std::fs::write(unpacked.join("rules/tiers.yaml"), "tampered").unwrap();
    let checked = Command::new("sha256sum").args(["-c", "--quiet", "SHA256SUMS"]).current_dir(&unpacked).output();
    assert!(!checked.unwrap().status.success());
}

#[test]
fn the_unit_file_names_flags_that_the_service_knows_and_the_readme_names_the_command() {
    let unit = std::fs::read_to_string(root().join("src/app/packaging/watchfire.service")).unwrap();
    let help = run(Path::new(env!("CARGO_BIN_EXE_watchfire")), &["serve", "--help"], root());
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let flags: Vec<&str> = start.split(' ').filter(|word| word.starts_with("--")).collect();
    assert!(flags.len() >= 3, "{start}");
    for flag in flags {
        assert!(help.contains(flag), "{flag} is not in `serve --help`");
    }
    for line in ["Type=notify", "WatchdogSec=30s", "ExecReload=/bin/kill -HUP $MAINPID", "StateDirectoryMode=0700"] {
        assert!(unit.lines().any(|one| one == line), "{line}");
    }
    for readme in ["README.md", "src/app/packaging/README.md"] {
        let text = std::fs::read_to_string(root().join(readme)).unwrap();
        assert!(text.contains("src/app/packaging/archive target/release/watchfire watchfire.tar.gz"), "{readme}");
    }
    let proxies = std::fs::read_to_string(root().join("src/app/packaging/README.md")).unwrap();
    assert!(proxies.contains("proxy_set_header Host $host;"), "nginx must pass Host");
}
