//! The correlation patterns before judges that share no code with them: the real `sec`, and a slow interpreter.

mod case;
mod engine;
mod random;
mod sec;
mod slow;
mod vectors;
mod versus_engine;
mod versus_sec;
