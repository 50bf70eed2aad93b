//! `replay --firings`: a line for each time that a rule fired or its condition cleared, incidents or not.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::core::engine::{Firing, FiringEdge};

/// The output file of firings. Complete only after [`Firings::finish`].
pub struct Firings {
    file: BufWriter<File>,
    name: String,
}

impl Firings {
    pub fn create(path: &Path) -> Result<Firings, String> {
        let name = path.display().to_string();
        let file = File::create(path).map_err(|error| format!("{name}: {error}"))?;
        Ok(Firings { file: BufWriter::new(file), name })
    }

    /// `raised|cleared RULE KEY`
    pub fn write(&mut self, firing: &Firing) -> Result<(), String> {
        let word = match firing.edge {
            FiringEdge::Fired => "raised",
            FiringEdge::Cleared => "cleared",
        };
        writeln!(self.file, "{word} {} {}", firing.rule, firing.key).map_err(|error| format!("{}: {error}", self.name))
    }

    pub fn finish(mut self) -> Result<(), String> {
        self.file.flush().map_err(|error| format!("{}: {error}", self.name))
    }
}
