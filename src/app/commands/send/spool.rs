//! Messages that wait for the service: a file each, on the disk before anybody is told that they are kept.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::message::{Head, Message};
use super::reached::Reached;
use crate::app::runtime::clock::Clock;

/// How many messages may wait; a message more is not kept.
const WAITING_MAX: usize = 100_000;
const ENDING: &str = "message";

/// What becomes of a message that waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Gone,
    SetAside,
    /// Nobody takes it now, nor any after it.
    Stays,
}

/// A directory of messages, in the order of their names.
pub struct Spool {
    dir: PathBuf,
    /// Tells messages of one moment apart.
    number: Cell<u32>,
}

impl Spool {
    /// The named directory, else one in the home of the user; it is made when something must be kept.
    pub fn at(named: Option<PathBuf>) -> Result<Spool, String> {
        let home = || {
            let state = std::env::var_os("XDG_STATE_HOME").filter(|dir| !dir.is_empty()).map(PathBuf::from);
            let home = std::env::var_os("HOME").filter(|dir| !dir.is_empty()).map(PathBuf::from);
            state.or_else(|| home.map(|home| home.join(".local/state"))).map(|state| state.join("watchfire/spool"))
        };
        let none = || "no place for the spool; name one with --spool, or --no-spool".to_owned();
        Ok(Spool { dir: named.or_else(home).ok_or_else(none)?, number: Cell::new(0) })
    }

    pub fn is_empty(&self) -> bool {
        self.waiting().is_ok_and(|waiting| waiting.is_empty())
    }

    /// Where messages are that the service refused.
    pub fn refused_dir(&self) -> PathBuf {
        self.dir.join("refused")
    }

    /// Keeps a message; it is on the disk when this returns.
    pub fn keep(&self, message: &Message) -> Result<(), String> {
        self.make(&self.dir)?;
        if self.waiting()?.len() >= WAITING_MAX {
            return Err(format!("{}: {WAITING_MAX} messages wait already; nothing more is kept", self.dir.display()));
        }
        self.write(&self.dir, message).map(|_| ())
    }

    /// Keeps a refused message for people to look at.
    pub fn set_aside(&self, message: &Message) -> Result<PathBuf, String> {
        let dir = self.refused_dir();
        self.make(&dir)?;
        self.write(&dir, message)
    }

    /// Hands out what waits, oldest first, until a message stays. Another process that does so already is left to it.
    pub fn drain(&self, mut deliver: impl FnMut(&Message) -> Fate) -> Result<Reached, String> {
        if self.is_empty() {
            return Ok(Reached::Yes);
        }
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(self.dir.join("lock"));
        let lock = lock.map_err(|error| self.trouble(&error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Reached::Yes),
            Err(TryLockError::Error(error)) => return Err(self.trouble(&error)),
        }
        // What came while the first were sent is sent as well.
        loop {
            let waiting = self.waiting()?;
            if waiting.is_empty() {
                return Ok(Reached::Yes);
            }
            for path in waiting {
                let fate = read(&path).map_or(Fate::SetAside, |message| deliver(&message));
                match fate {
                    Fate::Gone => fs::remove_file(&path).map_err(|error| self.trouble(&error))?,
                    Fate::SetAside => {
                        let dir = self.refused_dir();
                        self.make(&dir)?;
                        let name = path.file_name().unwrap_or_default();
                        fs::rename(&path, dir.join(name)).map_err(|error| self.trouble(&error))?;
                    }
                    Fate::Stays => return Ok(Reached::Away),
                }
            }
        }
    }

    fn waiting(&self) -> Result<Vec<PathBuf>, String> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.trouble(&error)),
        };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let mut waiting: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|it| it == ENDING)).collect();
        waiting.sort();
        Ok(waiting)
    }

    fn write(&self, dir: &Path, message: &Message) -> Result<PathBuf, String> {
        let number = self.number.replace(self.number.get().wrapping_add(1));
        let name = format!("{:020}-{}-{number:06}", Clock::system().now().as_micros(), std::process::id());
        let (unfinished, path) = (dir.join(format!("{name}.new")), dir.join(format!("{name}.{ENDING}")));
        let head = serde_json::to_vec(&message.head).map_err(|error| error.to_string())?;
        let written = || -> std::io::Result<()> {
            let mut file = File::create_new(&unfinished)?;
            file.write_all(&head)?;
            file.write_all(b"\n")?;
            file.write_all(&message.body)?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            File::open(dir)?.sync_all()
        };
        written().map_err(|error| self.trouble(&error))?;
        Ok(path)
    }

    /// Others must not read what waits: it may hold anything.
    fn make(&self, dir: &Path) -> Result<(), String> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| self.trouble(&error))
    }

    fn trouble(&self, error: &std::io::Error) -> String {
        format!("the spool {}: {error}; name another with --spool", self.dir.display())
    }
}

fn read(path: &Path) -> Option<Message> {
    let bytes = fs::read(path).ok()?;
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let head: Head = serde_json::from_slice(&bytes[..end]).ok()?;
    Some(Message { head, body: bytes[end + 1..].to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_wait_in_their_order_and_leave_one_by_one() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::at(Some(dir.path().join("a/spool"))).unwrap();
        assert!(spool.is_empty());
        let message = |text: &str| Message::new(Some("x"), "text/plain", text.as_bytes().to_vec()).unwrap();
        for text in ["one\nline", "two", "three"] {
            spool.keep(&message(text)).unwrap();
        }
        let mut seen = Vec::new();
        let reached = spool.drain(|message| {
            seen.push(String::from_utf8(message.body.clone()).unwrap());
            match seen.len() {
                1 => Fate::Gone,
                2 => Fate::SetAside,
                _ => Fate::Stays,
            }
        });
        assert_eq!((reached, seen.join(",").as_str()), (Ok(Reached::Away), "one\nline,two,three"));
        let mut left = Vec::new();
        assert_eq!(
            spool.drain(|message| {
                left.push(message.body.clone());
                Fate::Gone
            }),
            Ok(Reached::Yes)
        );
        assert_eq!(left, [b"three".to_vec()]);
        assert!(spool.is_empty());
        assert_eq!(fs::read_dir(spool.refused_dir()).unwrap().count(), 1);
    }
}
