//! A stream of lines, each a message: rsyslog's omprog, or any pipe.
//!
//! Lines that are there already go out together. While the service is away they are kept, and tried again every few
//! seconds, whether more lines come or not.

use std::io::{BufRead, Read, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use super::message::Message;
use super::reached::Reached;
use super::sender::Sender;

/// How many lines go out in one request.
const LINES_MAX: usize = 500;
/// How many bytes of lines go out in one request.
const BYTES_MAX: usize = 1 << 20;
/// The longest line; the rest of a longer one is a line of its own.
const LINE_MAX_BYTES: u64 = 256 << 10;
/// How long the service is left alone after it was away.
const PAUSE: Duration = Duration::from_secs(3);

const BEGIN: &str = "BEGIN TRANSACTION";
const COMMIT: &str = "COMMIT TRANSACTION";

/// Until standard input ends. `confirm`: answer each line, and first say that all is well.
pub fn run(sender: &mut Sender, source: Option<&str>, confirm: bool) -> Result<(), String> {
    let lines = reader();
    let mut stream = LineStream { sender, source, confirm, batch: Vec::new(), in_transaction: false, away: false };
    stream.confirm("OK")?;
    loop {
        match lines.recv_timeout(PAUSE) {
            Ok(line) => {
                stream.line(line?)?;
                while !confirm && stream.has_room() {
                    let Ok(line) = lines.try_recv() else { break };
                    stream.line(line?)?;
                }
                if !stream.in_transaction {
                    stream.send()?;
                }
            }
            Err(RecvTimeoutError::Timeout) => stream.try_again(),
            Err(RecvTimeoutError::Disconnected) => {
                stream.send()?;
                stream.away = false;
                stream.try_again();
                return Ok(());
            }
        }
    }
}

struct LineStream<'a> {
    sender: &'a mut Sender,
    source: Option<&'a str>,
    confirm: bool,
    batch: Vec<u8>,
    in_transaction: bool,
    /// The last try found nobody; until the next pause nothing is tried.
    away: bool,
}

impl LineStream<'_> {
    fn line(&mut self, line: Vec<u8>) -> Result<(), String> {
        let control = if self.confirm { std::str::from_utf8(&line).ok().map(str::trim) } else { None };
        match control {
            Some(BEGIN) => {
                self.in_transaction = true;
                return self.confirm("OK");
            }
            Some(COMMIT) => {
                self.in_transaction = false;
                self.send()?;
                return self.confirm("OK");
            }
            Some(_) | None => {}
        }
        if !line.trim_ascii().is_empty() {
            self.batch.extend_from_slice(line.trim_ascii_end());
            self.batch.push(b'\n');
        }
        if !self.in_transaction {
            // Taken or kept before it is confirmed.
            if self.confirm {
                self.send()?;
            }
            return self.confirm("OK");
        }
        if !self.has_room() {
            self.send()?;
        }
        self.confirm("DEFER_COMMIT")
    }

    fn has_room(&self) -> bool {
        self.batch.len() < BYTES_MAX && self.batch.iter().filter(|byte| **byte == b'\n').count() < LINES_MAX
    }

    /// Delivers or keeps what has gathered.
    fn send(&mut self) -> Result<(), String> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let kind = if self.source.is_some() { "application/octet-stream" } else { "application/json" };
        let message = Message::new(self.source, kind, std::mem::take(&mut self.batch))?;
        if self.away && self.sender.spool.is_some() {
            return self.sender.keep(&message);
        }
        self.away = self.sender.send(&message)? == Reached::Away;
        Ok(())
    }

    fn try_again(&mut self) {
        self.away = self.sender.flush() == Reached::Away;
    }

    fn confirm(&self, word: &str) -> Result<(), String> {
        if !self.confirm {
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "{word}").and_then(|()| out.flush()).map_err(|error| format!("standard output: {error}"))
    }
}

/// Lines as they come, from a thread that does nothing else.
fn reader() -> Receiver<Result<Vec<u8>, String>> {
    let (lines, receiver) = mpsc::sync_channel(LINES_MAX);
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        loop {
            let mut line = Vec::new();
            let read = input.by_ref().take(LINE_MAX_BYTES).read_until(b'\n', &mut line);
            let line = match read {
                Ok(0) => return,
                Ok(_) => Ok(line),
                Err(error) => Err(format!("standard input: {error}")),
            };
            let failed = line.is_err();
            if lines.send(line).is_err() || failed {
                return;
            }
        }
    });
    receiver
}
