//! MQTT against real peers: mosquitto as the broker, mosquitto_pub and raw sockets as devices.

mod client;
mod driver;
mod listener;
mod publisher;
