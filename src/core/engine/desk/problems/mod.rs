//! Problems at the desk: episodes become problems, problems lend their workaround to the next incident, second line works
//! on them and reviews them.

pub mod commands;
pub mod comparison;
pub mod episodes;
mod record;
pub mod review_state;
pub mod reviews;
