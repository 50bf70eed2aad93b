//! Promises at the desk: the clocks of incidents follow whatever happens to them, outages enter the ledger and burn its
//! budgets.

mod case;
pub mod clocks;
mod facts;
pub mod outages;
