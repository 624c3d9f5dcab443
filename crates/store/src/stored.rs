//! Closed sets as the database keeps them: a word each.

/// An enum whose values are stored as words. A word that is none of them is a fault of the database.
macro_rules! stored {
    ($(#[$about:meta])* $visibility:vis enum $name:ident { $($(#[$says:meta])* $value:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        $visibility enum $name {
            $($(#[$says])* #[serde(rename = $word)] $value,)+
        }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$value),+];

            /// As it is stored and told.
            pub const fn name(self) -> &'static str {
                match self {
                    $($name::$value => $word,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl<D: sqlx::Database> sqlx::Type<D> for $name
        where
            str: sqlx::Type<D>,
        {
            fn type_info() -> D::TypeInfo {
                <str as sqlx::Type<D>>::type_info()
            }

            fn compatible(type_info: &D::TypeInfo) -> bool {
                <str as sqlx::Type<D>>::compatible(type_info)
            }
        }

        impl<'r, D: sqlx::Database> sqlx::Decode<'r, D> for $name
        where
            &'r str: sqlx::Decode<'r, D>,
        {
            fn decode(value: D::ValueRef<'r>) -> std::result::Result<$name, sqlx::error::BoxDynError> {
                let word = <&str as sqlx::Decode<D>>::decode(value)?;
                let known = $name::ALL.iter().find(|known| known.name() == word);
                known.copied().ok_or_else(|| format!("{word:?} is no {}", stringify!($name)).into())
            }
        }

        impl<'q, D: sqlx::Database> sqlx::Encode<'q, D> for $name
        where
            &'q str: sqlx::Encode<'q, D>,
        {
            fn encode_by_ref(
                &self,
                buffer: &mut D::ArgumentBuffer,
            ) -> std::result::Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                <&str as sqlx::Encode<D>>::encode(self.name(), buffer)
            }
        }
    };
}
