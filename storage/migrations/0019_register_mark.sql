-- The register bears a mark that is drawn anew whenever anything in it changes, by whatever hand. What was read under a mark
-- holds as long as that mark stands (`storage.known`): an undone change brings the old one back, and none is drawn twice.

INSERT INTO meta (key, value) VALUES ('register', 'as it was made');

-- only sqlite
CREATE TRIGGER register_has_more_organisation AFTER INSERT ON organisation
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_other_organisation AFTER UPDATE ON organisation
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_fewer_organisation AFTER DELETE ON organisation
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_more_home AFTER INSERT ON home
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_other_home AFTER UPDATE ON home
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_fewer_home AFTER DELETE ON home
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_more_child AFTER INSERT ON child
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_other_child AFTER UPDATE ON child
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_fewer_child AFTER DELETE ON child
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_more_person AFTER INSERT ON person
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_other_person AFTER UPDATE ON person
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_fewer_person AFTER DELETE ON person
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_more_role AFTER INSERT ON role
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_other_role AFTER UPDATE ON role
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_fewer_role AFTER DELETE ON role
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_more_duty AFTER INSERT ON duty
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_other_duty AFTER UPDATE ON duty
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_fewer_duty AFTER DELETE ON duty
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_more_shift AFTER INSERT ON shift
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_other_shift AFTER UPDATE ON shift
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_fewer_shift AFTER DELETE ON shift
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_more_handover AFTER INSERT ON handover
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_other_handover AFTER UPDATE ON handover
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_fewer_handover AFTER DELETE ON handover
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_more_dead_channel AFTER INSERT ON dead_channel
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_other_dead_channel AFTER UPDATE ON dead_channel
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_fewer_dead_channel AFTER DELETE ON dead_channel
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_more_group_chat AFTER INSERT ON group_chat
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_other_group_chat AFTER UPDATE ON group_chat
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
CREATE TRIGGER register_has_fewer_group_chat AFTER DELETE ON group_chat
BEGIN UPDATE meta SET value = hex(randomblob(12)) WHERE key = 'register'; END;
-- end only
-- only postgresql
CREATE FUNCTION register_changed() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN UPDATE meta SET value = gen_random_uuid()::text WHERE key = 'register'; RETURN NULL; END $$;
CREATE TRIGGER register_has_other_organisation AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON organisation
FOR EACH STATEMENT EXECUTE FUNCTION register_changed();
CREATE TRIGGER register_has_other_home AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON home
FOR EACH STATEMENT EXECUTE FUNCTION register_changed();
CREATE TRIGGER register_has_other_child AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON child
FOR EACH STATEMENT EXECUTE FUNCTION register_changed();
CREATE TRIGGER register_has_other_person AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON person
FOR EACH STATEMENT EXECUTE FUNCTION register_changed();
CREATE TRIGGER register_has_other_role AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON role
FOR EACH STATEMENT EXECUTE FUNCTION register_changed();
CREATE TRIGGER register_has_other_duty AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON duty
FOR EACH STATEMENT EXECUTE FUNCTION register_changed();
CREATE TRIGGER register_has_other_shift AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON shift
FOR EACH STATEMENT EXECUTE FUNCTION register_changed();
CREATE TRIGGER register_has_other_handover AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON handover
FOR EACH STATEMENT EXECUTE FUNCTION register_changed();
CREATE TRIGGER register_has_other_dead_channel AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON dead_channel
FOR EACH STATEMENT EXECUTE FUNCTION register_changed();
CREATE TRIGGER register_has_other_group_chat AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON group_chat
FOR EACH STATEMENT EXECUTE FUNCTION register_changed();
-- end only
