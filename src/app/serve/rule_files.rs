//! Rule files from disk: found, read within a deadline and only from regular files, compiled; mistakes as one report
//! for people.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use crate::core::rules;
use crate::core::rules::{Loaded, RuleText, Rulebook};

/// The largest rule file that is read.
const FILE_MAX_BYTES: u64 = 16 << 20;

/// How much is read altogether.
const ALL_MAX_BYTES: u64 = 64 << 20;

/// How long reading all of them may take; a network mount that is gone never answers.
const PATIENCE: Duration = Duration::from_secs(10);

/// Linux's `O_NONBLOCK`: opening a pipe that nobody writes to returns at once.
const NONBLOCK: i32 = 0o4000;

/// How deep directories of rules may nest.
const DEPTH_MAX: usize = 8;

/// Reads and compiles the rules of a directory or one file, or the built-in ones. The error is the whole report, a line
/// a mistake.
pub fn load(path: Option<&Path>) -> Result<Loaded, String> {
    compile(texts(path)?)
}

/// The texts of a directory or one file, or the built-in ones. The error names each file that cannot be read.
pub fn texts(path: Option<&Path>) -> Result<Vec<RuleText>, String> {
    let Some(path) = path.map(Path::to_owned) else { return Ok(rules::builtin()) };
    within(PATIENCE, move |progress| {
        progress.at(&path);
        if path.is_file() {
            let shown = path.file_name().unwrap_or(path.as_os_str()).display().to_string();
            return Ok(vec![RuleText { path: shown, text: read_one(&path)? }]);
        }
        read(&path, progress)
    })
}

/// What a command looks at when nobody names anything: `./rules` if it is there, else the built-in rules.
pub fn named_or_default(named: Option<&Path>) -> Option<PathBuf> {
    named.map(Path::to_owned).or_else(|| Some(PathBuf::from("rules")).filter(|dir| dir.is_dir()))
}

/// The same, for a running service: warnings are logged.
pub fn load_logged(dir: Option<&Path>) -> Result<Rulebook, String> {
    load(dir).map(logged)
}

/// Compiles texts that are already at hand; warnings are logged.
pub fn compile_logged(texts: Vec<RuleText>) -> Result<Rulebook, String> {
    compile(texts).map(logged)
}

fn compile(texts: Vec<RuleText>) -> Result<Loaded, String> {
    rules::load(texts)
        .map_err(|mistakes| mistakes.iter().map(|mistake| format!("{mistake:#}")).collect::<Vec<_>>().join("\n"))
}

fn logged(loaded: Loaded) -> Rulebook {
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    loaded.rulebook
}

/// What the reader is at, for the report when it does not come back.
#[derive(Clone, Default)]
struct ReadProgress(Arc<Mutex<PathBuf>>);

impl ReadProgress {
    fn at(&self, path: &Path) {
        path.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Does the work in a thread of its own, which is left behind when it does not come back in time: a call into a dead
/// mount cannot be broken off.
fn within<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce(&ReadProgress) -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let progress = ReadProgress::default();
    let (done, answer) = mpsc::channel();
    let reader = std::thread::Builder::new().name("rule files".to_owned()).spawn({
        let progress = progress.clone();
        // Nobody listens any more when it comes too late.
        move || drop(done.send(work(&progress)))
    });
    reader.map_err(|error| format!("the rule files cannot be read now: {error}"))?;
    answer.recv_timeout(patience).unwrap_or_else(|_| {
        let path = progress.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = patience.as_secs_f64();
        Err(format!("{}: not read within {seconds} s; is it on a network mount that does not answer?", path.display()))
    })
}

/// Every `.yaml`, `.yml` and `.csv` (a table) below a directory, sorted by path. Paths are relative to it, so that the
/// same rules have the same hash wherever they lie.
fn read(dir: &Path, progress: &ReadProgress) -> Result<Vec<RuleText>, String> {
    let mut found = Vec::new();
    find(dir, 0, &mut found, progress)?;
    found.sort();
    if !found.iter().any(|path| is_rules(path)) {
        return Err(format!("{}: no .yaml file in it", dir.display()));
    }
    let mut texts = Vec::new();
    let mut mistakes = Vec::new();
    let mut bytes = 0;
    for path in found {
        progress.at(&path);
        match read_one(&path) {
            Ok(text) => {
                bytes += text.len() as u64;
                let shown = path.strip_prefix(dir).unwrap_or(&path).display().to_string();
                texts.push(RuleText { path: shown, text });
            }
            Err(mistake) => mistakes.push(mistake),
        }
        if bytes > ALL_MAX_BYTES {
            return Err(format!("{}: more than {ALL_MAX_BYTES} bytes in rule files", dir.display()));
        }
    }
    if mistakes.is_empty() { Ok(texts) } else { Err(mistakes.join("\n")) }
}

fn find(dir: &Path, depth: usize, found: &mut Vec<PathBuf>, progress: &ReadProgress) -> Result<(), String> {
    progress.at(dir);
    if depth > DEPTH_MAX {
        return Err(format!(
            "{}: rule directories nest deeper than {DEPTH_MAX}; a link may lead back to a directory above it",
            dir.display()
        ));
    }
    let shown = |error: std::io::Error| format!("{}: {error}", dir.display());
    for entry in std::fs::read_dir(dir).map_err(shown)? {
        let path = entry.map_err(shown)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        progress.at(&path);
        // A directory by the name of a file is found too, and refused when it is read: a container makes one in place
        // of a file that is not there to be mounted.
        if is_rules(&path) || is_table(&path) {
            found.push(path);
        } else if path.is_dir() {
            find(&path, depth + 1, found, progress)?;
        }
    }
    Ok(())
}

fn is_rules(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "csv")
}

/// What spreadsheets write that is not UTF-8: UTF-16 with its mark, and GBK on Chinese Windows. `None` for any other text.
fn spreadsheet_text(bytes: &[u8]) -> Option<String> {
    if std::str::from_utf8(bytes).is_ok() {
        return None;
    }
    let encoding = encoding_rs::Encoding::for_bom(bytes).map_or(encoding_rs::GB18030, |(encoding, _)| encoding);
    let (text, _, broken) = encoding.decode(bytes);
    (!broken).then(|| text.into_owned())
}

/// The text of a regular file. Anything else is refused by its name: reading a pipe or a device may never end.
fn read_one(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let failed = |error: std::io::Error| format!("{shown}: {error}");
    let file = File::options().read(true).custom_flags(NONBLOCK).open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if let Some(kind) = other_kind(&metadata) {
        return Err(format!("{shown}: {kind}, not a file; rules are read from regular files only"));
    }
    let mut bytes = Vec::new();
    file.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_MAX_BYTES {
        let size = metadata.len().max(bytes.len() as u64);
        return Err(format!("{shown}: {size} bytes; at most {FILE_MAX_BYTES} are read"));
    }
    if is_table(path)
        && let Some(text) = spreadsheet_text(&bytes)
    {
        return Ok(text);
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let before = &error.as_bytes()[..at];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        format!("{shown}:{line}:{column}: not UTF-8 text; save the file as UTF-8")
    })
}

/// What it is when it is no regular file.
fn other_kind(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a directory")
    } else if kind.is_fifo() {
        Some("a pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else {
        Some("a device")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_utf8_is_named_with_its_place() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("坏.yaml"), b"rules:\n  - name: \xff\n").unwrap();
        let report = load(Some(dir.path())).err().unwrap();
        assert!(report.contains("坏.yaml:2:11: not UTF-8"), "{report}");
        assert!(load(Some(&dir.path().join("none"))).is_err());
    }

    #[test]
    fn tables_below_the_rules_are_read_with_them() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| std::fs::write(dir.path().join(path), text).unwrap();
        std::fs::create_dir(dir.path().join("表")).unwrap();
        write("表/rooms.csv", "\u{FEFF}room,floor\r\n机房A,3\r\n");
        assert!(load(Some(dir.path())).err().unwrap().contains("no .yaml file"));
        write("a.yaml", "inventory:\n  tables: [{name: rooms, file: 表/rooms.csv, key: room}]\n");
        let first = load(Some(dir.path())).unwrap();
        assert_eq!(first.rulebook.normalising.tables[0].len(), 1);
        write("表/rooms.csv", "room,floor\n机房A,4\n");
        let second = load(Some(dir.path())).unwrap();
        assert_ne!(second.rulebook.hash, first.rulebook.hash);
        // What travels with the rulebook is enough to make it again.
        assert_eq!(compile_logged(second.rulebook.texts.clone()).unwrap().hash, second.rulebook.hash);
    }

    #[test]
    fn tables_are_read_in_the_encodings_of_spreadsheets() {
        let table = "device,负责人,,\r\nsw1,网络组,,\r\n,,,\r\n";
        let (gbk, _, _) = encoding_rs::GBK.encode(table);
        let utf16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            format!("\u{FEFF}{table}").encode_utf16().flat_map(bytes).collect()
        };
        let tabbed: Vec<u8> =
            format!("\u{FEFF}{}", table.replace(',', "\t")).encode_utf16().flat_map(u16::to_le_bytes).collect();
        let spellings =
            [gbk.into_owned(), utf16(u16::to_le_bytes), utf16(u16::to_be_bytes), tabbed, table.as_bytes().to_vec()];
        for bytes in spellings {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("d.csv"), &bytes).unwrap();
            let rules = "inventory:\n  tables: [{name: devices, file: d.csv, key: device}]\n";
            std::fs::write(dir.path().join("a.yaml"), rules).unwrap();
            let loaded = load(Some(dir.path())).unwrap_or_else(|why| panic!("{bytes:?}: {why}"));
            let facts = loaded.rulebook.normalising.tables[0].find(|_| "sw1").cloned().unwrap();
            assert_eq!(facts.get("负责人"), Some("网络组"), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_regular_file_is_refused_by_name_and_never_waited_for() {
        let check = |name: &str, make: &dyn Fn(&Path), expected: &str| {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("good.yaml"), "rules: []\n").unwrap();
            make(&dir.path().join(name));
            let report = load(Some(dir.path())).err().unwrap_or_default();
            assert!(report.contains(name) && report.contains(expected), "{name}: {report}");
        };
        let run = |program: &str, arguments: &[&std::ffi::OsStr]| {
            assert!(std::process::Command::new(program).args(arguments).status().unwrap().success());
        };
        check("管.yaml", &|path| run("mkfifo", &[path.as_os_str()]), "a pipe, not a file");
        check("pipe.csv", &|path| run("mkfifo", &[path.as_os_str()]), "a pipe, not a file");
        check("mounted.yaml", &|path| std::fs::create_dir(path).unwrap(), "a directory, not a file");
        let link = |to: &'static str| move |path: &Path| std::os::unix::fs::symlink(to, path).unwrap();
        check("zero.yaml", &link("/dev/zero"), "a device, not a file");
        check("loop.yaml", &link("loop.yaml"), "symbolic link");
        check("gone.yml", &link("nowhere.yml"), "No such file");
        check("above", &link("."), "a link may lead back");
        let huge = |path: &Path| File::create(path).unwrap().set_len(FILE_MAX_BYTES + 1).unwrap();
        check("huge.yaml", &huge, "16777217 bytes; at most");
        check("socket.yaml", &|path| drop(std::os::unix::net::UnixListener::bind(path).unwrap()), "No such device");
    }

    #[test]
    fn what_does_not_come_back_is_left_behind_and_named() {
        let (_alive, never) = mpsc::channel::<()>();
        let report = within(Duration::from_millis(10), move |progress| {
            progress.at(Path::new("规则/dead.yaml"));
            never.recv().map_err(|error| error.to_string())
        });
        assert!(report.unwrap_err().starts_with("规则/dead.yaml: not read within 0.01 s"));
    }

    #[test]
    fn the_built_in_rules_are_good() {
        let loaded = load(None).unwrap();
        assert!(!loaded.rulebook.rules.is_empty());
    }
}
