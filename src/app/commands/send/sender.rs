//! Sends messages to a service, and says how far they came.

use super::message::Message;
use super::post::Answer;
use super::post::Post;
use super::reached::Reached;
use super::spool;
use super::spool::Spool;

/// Delivers messages, or keeps them.
pub(super) struct Sender {
    pub(super) post: Post,
    pub(super) spool: Option<Spool>,
    /// Something was not taken, in whole or in part.
    pub(super) refused: bool,
}

impl Sender {
    /// Delivers a message behind all that waits, or keeps it. Fails when it can do neither.
    pub(super) fn send(&mut self, message: &Message) -> Result<Reached, String> {
        if self.spool.as_ref().is_some_and(|spool| !spool.is_empty()) {
            self.keep(message)?;
            return Ok(self.flush());
        }
        match self.post.send(message) {
            Answer::Taken => Ok(Reached::Yes),
            Answer::Partly(reason) => {
                self.tell(&format!("taken in part: {reason}"));
                Ok(Reached::Yes)
            }
            Answer::Refused(reason) => {
                let kept = self.spool.as_ref().and_then(|spool| spool.set_aside(message).ok());
                let kept = kept.map(|path| format!("; kept as {}", path.display())).unwrap_or_default();
                self.tell(&format!("refused: {reason}{kept}"));
                Ok(Reached::Yes)
            }
            Answer::Away(reason) if self.spool.is_some() => {
                self.keep(message)?;
                eprintln!(
                    "watchfire: the service is away ({reason}); the message is kept and goes out with the next one"
                );
                Ok(Reached::Away)
            }
            Answer::Away(reason) => Err(format!("the service is away: {reason}")),
        }
    }

    pub(super) fn keep(&self, message: &Message) -> Result<(), String> {
        match &self.spool {
            Some(spool) => spool.keep(message),
            None => Ok(()),
        }
    }

    /// Sends all that waits, oldest first, until the service is away.
    pub(super) fn flush(&mut self) -> Reached {
        let Some(spool) = self.spool.take() else { return Reached::Yes };
        let mut told = Vec::new();
        let reached = spool.drain(|message| match self.post.send(message) {
            Answer::Taken => spool::Fate::Gone,
            Answer::Partly(reason) => {
                told.push(format!("taken in part: {reason}"));
                spool::Fate::Gone
            }
            Answer::Refused(reason) => {
                told.push(format!("refused: {reason}; kept in {}", spool.refused_dir().display()));
                spool::Fate::SetAside
            }
            Answer::Away(_) => spool::Fate::Stays,
        });
        self.spool = Some(spool);
        told.iter().for_each(|what| self.tell(what));
        match reached {
            Ok(reached) => reached,
            Err(error) => {
                self.tell(&error);
                Reached::Away
            }
        }
    }

    fn tell(&mut self, what: &str) {
        eprintln!("watchfire: {what}");
        self.refused = true;
    }
}
