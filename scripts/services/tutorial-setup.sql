-- The PostgreSQL side of the alerting tutorial: the thresholds that jobs read, and the table that aggregated alerts go to.
-- Safe to run again: the tables are kept, the thresholds set back to the tutorial's values.
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE TABLE IF NOT EXISTS public.cpu_thresholds (hostname varchar, allowed_top int);
CREATE TABLE IF NOT EXISTS public.cpu_load_stats_agg_pg (time_ltz timestamp(3) PRIMARY KEY, nr_cpus_over_threshold int);
DELETE FROM public.cpu_thresholds;
INSERT INTO public.cpu_thresholds VALUES
  ('doc', 20),
  ('grumpy', 30),
  ('sleepy', 40),
  ('bashful', 60),
  ('happy', 70),
  ('sneezy', 80),
  ('dopey', 90);
COMMIT;
SELECT hostname, allowed_top FROM public.cpu_thresholds ORDER BY allowed_top;
