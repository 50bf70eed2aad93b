//! JSON and label sets as CEL values, converted one level at a time and only where the expression looks.

use std::sync::OnceLock;

use cel::common::traits::{Container, Indexer, Iterable, Iterator, Sizer};
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt, MAP_TYPE, Type,
};
use cel::common::value::{BuiltinRef, CowVal, Val};
use cel::objects::{Key, OptionalValue};
use cel::{ExecutionError, Value};
use serde_json::Value as Json;

use super::cost::Budget;
use crate::core::model::Labels;

/// A CEL map over data that lies elsewhere. Its keys are visited in their own order, so that an expression never
/// depends on the order of a hash table.
#[derive(Debug)]
pub(super) struct LazyMap<'a> {
    fields: Fields<'a>,
    /// Pays for the texts that are looked at.
    budget: &'a Budget,
    keys: OnceLock<Vec<CelString<'a>>>,
    /// The library's own kind of map, made when a value must be compared or handed out whole.
    whole: OnceLock<CelMap<'a>>,
}

#[derive(Debug, Clone, Copy)]
enum Fields<'a> {
    Object(&'a serde_json::Map<String, Json>),
    Labels(&'a Labels),
}

impl<'a> Fields<'a> {
    fn get(self, name: &str, budget: &'a Budget) -> Option<Box<dyn Val + 'a>> {
        match self {
            Fields::Object(object) => object.get(name).map(|value| from_json(value, budget)),
            Fields::Labels(labels) => labels.get(name).map(|value| {
                budget.spend_on_text(value);
                Box::new(CelString::from(value)) as Box<dyn Val>
            }),
        }
    }

    fn keys(self) -> Vec<&'a str> {
        match self {
            Fields::Object(object) => object.keys().map(String::as_str).collect(),
            Fields::Labels(labels) => labels.iter().map(|(name, _)| name).collect(),
        }
    }

    fn len(self) -> usize {
        match self {
            Fields::Object(object) => object.len(),
            Fields::Labels(labels) => labels.len(),
        }
    }
}

impl<'a> LazyMap<'a> {
    pub(super) fn of_labels(labels: &'a Labels, budget: &'a Budget) -> LazyMap<'a> {
        LazyMap::new(Fields::Labels(labels), budget)
    }

    fn new(fields: Fields<'a>, budget: &'a Budget) -> LazyMap<'a> {
        LazyMap { fields, budget, keys: OnceLock::new(), whole: OnceLock::new() }
    }

    fn whole(&self) -> &CelMap<'a> {
        self.whole.get_or_init(|| {
            let mut table = CelMap::default().into_inner();
            for name in self.fields.keys() {
                if let Some(value) = self.fields.get(name, self.budget) {
                    table.insert(CelMapKey::String(CelString::from(name)), value);
                }
            }
            CelMap::from(table)
        })
    }

    fn value_of(&self, key: &dyn Val) -> Result<Box<dyn Val + 'a>, ExecutionError> {
        let Some(name) = key.downcast_ref::<CelString>() else {
            return Err(ExecutionError::no_such_key("a key that is not a text"));
        };
        self.fields.get(name.inner(), self.budget).ok_or_else(|| ExecutionError::no_such_key(name.inner()))
    }
}

impl Val for LazyMap<'_> {
    fn get_type(&self) -> &Type {
        <Self as Val>::cel_type()
    }

    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn into_indexer<'v>(self: Box<Self>) -> Option<Box<dyn Indexer + 'v>>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_iterable<'b, 'v>(&'b self) -> Option<&'b (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        self.whole().equals(other)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(LazyMap::new(self.fields, self.budget))
    }

    fn as_builtin<'b, 'v>(&'b self) -> BuiltinRef<'b, 'v>
    where
        Self: 'v,
    {
        BuiltinRef::Map(self.whole())
    }
}

impl Container for LazyMap<'_> {
    fn contains(&self, key: &dyn Val) -> Result<bool, ExecutionError> {
        Ok(self.value_of(key).is_ok())
    }
}

impl Indexer for LazyMap<'_> {
    fn get<'b, 'v>(&'b self, key: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.value_of(key).map(CowVal::Owned)
    }

    fn steal<'v>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.value_of(key).map(|value| value as Box<dyn Val + 'v>)
    }
}

impl Iterable for LazyMap<'_> {
    fn iter<'b, 'v>(&'b self) -> Box<dyn Iterator<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        let keys = self.keys.get_or_init(|| self.fields.keys().into_iter().map(CelString::from).collect());
        Box::new(Keys(keys.iter()))
    }
}

impl Sizer for LazyMap<'_> {
    fn size(&self) -> CelInt {
        CelInt::from(i64::try_from(self.fields.len()).unwrap_or(i64::MAX))
    }
}

struct Keys<'b, 'a>(std::slice::Iter<'b, CelString<'a>>);

impl<'b, 'v, 'a: 'v> Iterator<'b, 'v> for Keys<'b, 'a> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        self.0.next().map(|key| key as &(dyn Val + 'v))
    }
}

/// Converts one level of a JSON value; deeper levels are converted on access.
pub(super) fn from_json<'a>(value: &'a Json, budget: &'a Budget) -> Box<dyn Val + 'a> {
    match value {
        Json::Null => Box::new(CelNull),
        Json::Bool(truth) => Box::new(CelBool::from(*truth)),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => Box::new(CelInt::from(integer)),
            (None, Some(large)) => Box::new(CelUInt::from(large)),
            (None, None) => Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
        },
        Json::String(text) => {
            budget.spend_on_text(text);
            Box::new(CelString::from(text.as_str()))
        }
        Json::Array(items) => {
            budget.spend(u32::try_from(items.len()).unwrap_or(u32::MAX));
            Box::new(CelList::from(items.iter().map(|item| from_json(item, budget)).collect::<Vec<_>>()))
        }
        Json::Object(object) => Box::new(LazyMap::new(Fields::Object(object), budget)),
    }
}

/// Converts a whole result to JSON. Values that JSON cannot express (bytes, types, an empty optional, infinity) are an
/// error.
pub(super) fn to_json(value: &Value) -> Result<Json, String> {
    match value {
        Value::Null => Ok(Json::Null),
        Value::Bool(truth) => Ok(Json::Bool(*truth)),
        Value::Int(integer) => Ok(Json::from(*integer)),
        Value::UInt(integer) => Ok(Json::from(*integer)),
        Value::Float(double) => serde_json::Number::from_f64(*double)
            .map(Json::Number)
            .ok_or_else(|| format!("{double} is not a number in JSON")),
        Value::String(text) => Ok(Json::String(text.as_str().to_owned())),
        Value::List(items) => items.iter().map(to_json).collect::<Result<_, _>>().map(Json::Array),
        // A JSON object sorts its keys, so the order of the table has no effect.
        Value::Map(map) => map
            .map
            .iter()
            .map(|(key, value)| match key {
                Key::String(name) => Ok((name.as_str().to_owned(), to_json(value)?)),
                Key::Int(_) | Key::Uint(_) | Key::Bool(_) => {
                    Err("a map key that is not a text has no form in JSON".to_owned())
                }
            })
            .collect::<Result<_, _>>()
            .map(Json::Object),
        Value::Opaque(opaque) => match opaque.downcast_ref::<OptionalValue>().map(OptionalValue::value) {
            Some(Some(value)) => to_json(value),
            Some(None) => Err("an empty optional".to_owned()),
            None => Err("a value of this type has no form in JSON".to_owned()),
        },
        Value::Bytes(_) => Err("bytes have no form in JSON".to_owned()),
        Value::Struct(_) | Value::Function(_, _) => Err("a message has no form in JSON".to_owned()),
    }
}
