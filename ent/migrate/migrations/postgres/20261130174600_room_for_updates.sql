-- +goose Up
-- Each message is changed five times and more. With room on its page its versions stay together: a claim
-- touches half as many pages, and the place of old versions is used again. Pages that are there stay as they are.
ALTER TABLE "message" SET (fillfactor = 70);
