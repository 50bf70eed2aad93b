//! MQTT against real peers: mosquitto as the broker, mosquitto_pub and raw sockets as devices.

mod brokers;
mod client;
mod driver;
pub mod floods;
mod listener;
mod once;
mod publisher;
mod tls;
mod version_5;
