//! What several tests share: real servers on free ports of 127.0.0.1, ended with the test.

pub mod mosquitto;
pub mod postgres;
pub mod prometheus;
pub mod service;
