//! MQTT against real peers: mosquitto as the broker, mosquitto_pub and raw sockets as devices.

mod client;
mod driver;
pub mod floods;
mod listener;
mod publisher;
mod tls;
mod version_5;
