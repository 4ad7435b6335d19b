//! The tables as diesel sees them: the same on both databases. What the columns mean stands in `migrations/`.

diesel::table! {
    users (id) {
        id -> Text,
        username -> Text,
        email -> Nullable<Text>,
        password -> Text,
        roles -> Text,
        disabled_at -> Nullable<BigInt>,
        epoch -> BigInt,
        created_at -> BigInt,
        password_expires_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    deleted_users (id) {
        id -> BigInt,
        user_id -> Text,
        deleted_at -> BigInt,
    }
}

diesel::table! {
    deleted_users_count (id) {
        id -> BigInt,
        last_id -> BigInt,
    }
}

diesel::table! {
    invites (code) {
        code -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
        used_by -> Nullable<Text>,
    }
}

diesel::table! {
    outbox (id) {
        id -> BigInt,
        user_id -> Text,
        epoch -> BigInt,
        effect -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        user_id -> Text,
        epoch -> BigInt,
        version -> BigInt,
        current_token -> Text,
        generation -> BigInt,
        roles -> Text,
        client_id -> Text,
        mode -> Text,
        scope -> Text,
        created_at -> BigInt,
        authenticated_at -> BigInt,
        absolute_expires_at -> BigInt,
        idle_expires_at -> BigInt,
        last_seen_at -> BigInt,
        device -> Text,
        address -> Nullable<Text>,
        revoked_reason -> Nullable<Text>,
        delete_after -> BigInt,
        secret -> Nullable<Binary>,
        previous_secret -> Nullable<Binary>,
    }
}

diesel::table! {
    clients (id) {
        id -> Text,
        secret -> Nullable<Text>,
        previous_secret -> Nullable<Text>,
        previous_secret_expires_at -> Nullable<BigInt>,
        grants -> Text,
        audiences -> Text,
        scope -> Text,
        token_ttl_seconds -> BigInt,
        disabled_at -> Nullable<BigInt>,
        created_at -> BigInt,
        public_keys -> Nullable<Text>,
        service -> Nullable<Text>,
        roles -> Text,
    }
}

diesel::table! {
    client_assertions (client_id, jti) {
        client_id -> Text,
        jti -> Text,
        until_at -> BigInt,
    }
}

diesel::table! {
    announcements (id) {
        id -> BigInt,
        kind -> Text,
        name -> Text,
        before_seconds -> Nullable<BigInt>,
    }
}

diesel::table! {
    revocations (id) {
        id -> BigInt,
        kind -> Text,
        name -> Text,
        before_seconds -> Nullable<BigInt>,
        until_at -> BigInt,
    }
}

diesel::table! {
    revocation_log (id) {
        id -> BigInt,
        epoch -> Text,
        last_id -> BigInt,
    }
}

diesel::table! {
    session_epochs (user_id) {
        user_id -> Text,
        epoch -> BigInt,
    }
}

diesel::table! {
    audit_events (id) {
        id -> Text,
        at -> BigInt,
        kind -> Text,
        actor -> Text,
        subject_id -> Nullable<Text>,
        session_id -> Nullable<Text>,
        client_id -> Nullable<Text>,
        address -> Nullable<Text>,
        detail -> Text,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        algorithm -> Text,
        private_key -> Binary,
        master_kid -> Text,
        created_at -> BigInt,
        activates_at -> BigInt,
        retires_at -> Nullable<BigInt>,
        verify_until -> Nullable<BigInt>,
    }
}

diesel::table! {
    signing_keys_revision (id) {
        id -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    throttle_counters (id) {
        id -> Text,
        failures -> BigInt,
        since_at -> BigInt,
        delete_after -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(deleted_users, session_epochs, sessions);
