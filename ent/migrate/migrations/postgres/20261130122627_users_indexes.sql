-- +goose Up
CREATE INDEX "member_user_id" ON "member" ("user_id");
CREATE INDEX "session_user_id" ON "session" ("user_id");
