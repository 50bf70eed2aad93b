//! The store against real databases: one suite, run on SQLite and on PostgreSQL, and the faults that each has alone.

use crate::support::postgres;
use watchfire::store::Store;

#[tokio::test]
async fn smoke() {
    let url = postgres::database().await;
    let store = Store::open(&url).await.unwrap();
    println!("{}", store.check_schema().await.unwrap());
    println!("{}", store.durability_in_writer().await.unwrap());
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite:{}/广州/w.db", dir.path().display())).await.unwrap();
    println!("{}", store.check_schema().await.unwrap());
    println!("{}", store.durability_in_writer().await.unwrap());
}
