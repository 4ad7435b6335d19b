//! The tables as diesel sees them: the same on both databases. What the columns mean stands in `migrations/`.

diesel::table! {
    notes (owner_id, id) {
        owner_id -> Text,
        id -> Text,
        title -> Text,
        body -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}
