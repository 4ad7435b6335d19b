DROP TABLE deleted_users_count;
DROP TABLE deleted_users;
