-- What get_user and generate_report read: 20 000 users with 10 orders each.
CREATE TABLE users (
  id integer PRIMARY KEY,
  name text NOT NULL,
  email text NOT NULL UNIQUE,
  country text NOT NULL
);
CREATE TABLE orders (
  id integer PRIMARY KEY,
  user_id integer NOT NULL REFERENCES users,
  placed_on date NOT NULL,
  cents integer NOT NULL
);
INSERT INTO users
  SELECT id, 'User ' || id, 'user' || id || '@example.org', (ARRAY['CH', 'DE', 'FR', 'IT', 'SE'])[1 + id % 5]
  FROM generate_series(1, 20000) AS id;
INSERT INTO orders
  SELECT id, 1 + id % 20000, DATE '2026-01-01' + id % 365, 100 + id % 9900
  FROM generate_series(1, 200000) AS id;
-- One user's orders, and one country's users, without reading the others.
CREATE INDEX orders_of_user ON orders (user_id, placed_on);
CREATE INDEX users_of_country ON users (country);
ANALYZE;
