//! A statement's parameter as the bytes that go over the wire.

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type};

/// Already encoded for the type that the statement gives its parameter; `None` is NULL.
#[derive(Debug)]
pub struct Parameter(pub Option<Vec<u8>>);

impl ToSql for Parameter {
    fn to_sql(&self, _ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match &self.0 {
            Some(bytes) => {
                out.extend_from_slice(bytes);
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        }
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }

    fn to_sql_checked(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        self.to_sql(ty, out)
    }
}
