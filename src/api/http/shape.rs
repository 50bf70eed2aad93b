//! The vocabulary in which the shapes of answers are written, and their OpenAPI schemas.

use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};

/// What a member holds. The `Maybe…` ones may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    Text,
    Number,
    Bool,
    /// Label names and their text values.
    Labels,
    /// RFC 3339 in UTC with milliseconds.
    Time,
    /// A list of texts.
    Texts,
    /// Another shape, and a list of one.
    One(&'static str),
    Many(&'static str),
    /// Anything else of JSON.
    Object,
    MaybeBool,
    MaybeText,
    MaybeNumber,
    MaybeTime,
    MaybeObject,
}

/// One shape: its name and its members, all of which are always written.
pub struct Shape {
    pub name: &'static str,
    pub members: &'static [(&'static str, FieldKind)],
}

use FieldKind::{
    Bool, Labels, Many, MaybeBool, MaybeNumber, MaybeObject, MaybeText, MaybeTime, Number, Object, One, Text, Texts,
    Time,
};

pub fn shape_schema(shape: &Shape) -> RefOr<Schema> {
    let object = shape
        .members
        .iter()
        .fold(ObjectBuilder::new(), |object, (name, kind)| object.property(*name, of_kind(*kind)).required(*name));
    object.build().into()
}

pub fn page_of(name: &str) -> RefOr<Schema> {
    let items = ArrayBuilder::new().items(Ref::from_schema_name(name));
    ObjectBuilder::new()
        .property("items", items)
        .required("items")
        .property("next", of_kind(MaybeText))
        .required("next")
        .build()
        .into()
}

fn of_kind(kind: FieldKind) -> RefOr<Schema> {
    let plain = |kind: Type| RefOr::from(ObjectBuilder::new().schema_type(kind).build());
    let maybe =
        |kind: Type| RefOr::from(ObjectBuilder::new().schema_type(SchemaType::Array(vec![kind, Type::Null])).build());
    match kind {
        Text | Time => plain(Type::String),
        Number => plain(Type::Number),
        Bool => plain(Type::Boolean),
        Object => plain(Type::Object),
        MaybeText | MaybeTime => maybe(Type::String),
        MaybeNumber => maybe(Type::Number),
        MaybeBool => maybe(Type::Boolean),
        MaybeObject => maybe(Type::Object),
        Labels => ObjectBuilder::new().additional_properties(Some(plain(Type::String))).build().into(),
        Texts => ArrayBuilder::new().items(plain(Type::String)).build().into(),
        One(name) => Ref::from_schema_name(name).into(),
        Many(name) => ArrayBuilder::new().items(Ref::from_schema_name(name)).build().into(),
    }
}
