SELECT ABS(-3), MOD(7, 3), POWER(2, 10), SQRT(9), ROUND(2.567, 2), ROUND(-2.5), FLOOR(2.7), CEIL(2.1), SIGN(-4), TRUNCATE(2.567, 1);
SELECT ELT(2, 'doc', 'grumpy', 'happy'), ELT(9, 'doc'), GREATEST(1, 3, 2), LEAST('b', 'a');
SELECT EXP(0), LN(1), LOG10(100), PI() > 3.14, BIN(5), HEX(255);
