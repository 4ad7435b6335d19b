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

diesel::table! {
    note_shares (user_id, note_id) {
        user_id -> Text,
        note_id -> Text,
        owner_id -> Text,
        username -> Text,
        shared_at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(notes, note_shares);

diesel::table! {
    forgotten_users (user_id) {
        user_id -> Text,
        forgotten_at -> BigInt,
        settled_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    deletions_read (id) {
        id -> BigInt,
        cursor -> Text,
    }
}
