"""Every mistake names file, key, what was found and what would be right (lines: test_toml_file)."""

import pytest
from support.config_folder import ConfigFolder

VENUE = "config/venue.toml"
INSTRUMENTS = "config/instruments.toml"
RISK = "config/risk.toml"
CALENDAR = "config/calendar.toml"
BROKER1 = "sessions/BROKER1.toml"
DROPCOPY1 = "sessions/DROPCOPY1.toml"

SCHEDULE = '[schedule]\nstart = "17:00"\nend = "16:55"\nzone = "UTC"\n'
PUBLIC_KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="  # of RFC 8032, section 7.1, test 1
HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g"

# File, text in it, what to put there instead, and the one mistake that follows.
SINGLE_VALUES = [
    (
        INSTRUMENTS,
        'tick = "0.01"',
        "tick = 0.01",
        'config/instruments.toml: instrument[AAPL].tick: found 0.01 without quotes; "0.01" '
        "would be right: decimals are exact text",
    ),
    (
        INSTRUMENTS,
        'tick = "0.01"',
        'tick = "0.0x"',
        'config/instruments.toml: instrument[AAPL].tick: found "0.0x"; '
        'a plain decimal number such as "190.00" would be right',
    ),
    (
        INSTRUMENTS,
        'lot = "1"',
        'lot = "0"',
        'config/instruments.toml: instrument[AAPL].lot: found "0"; '
        "a number from 0.00000001 would be right",
    ),
    (
        INSTRUMENTS,
        'reference_price = "190.00"',
        'reference_price = "92233720369"',
        'config/instruments.toml: instrument[AAPL].reference_price: found "92233720369"; '
        "at most 92233720368.54775807 would be right",
    ),
    (
        INSTRUMENTS,
        'lot = "1"',
        "lot = true",
        "config/instruments.toml: instrument[AAPL].lot: found true; "
        'a decimal in quotes such as "0.01" would be right',
    ),
    (
        VENUE,
        "test_venue = false",
        'test_venue = "no"',
        'config/venue.toml: venue.test_venue: found "no"; true or false would be right',
    ),
    (
        INSTRUMENTS,
        'tick = "0.01"\n',
        "",
        "config/instruments.toml: instrument[AAPL].tick: is missing",
    ),
    (
        INSTRUMENTS,
        'tick = "0.01"\n',
        'tick = "0.01"\ntik = "0.01"\n',
        'config/instruments.toml: instrument[AAPL].tik: is unknown; did you mean "tick"?',
    ),
    (
        INSTRUMENTS,
        'asset_class = "equity"',
        'asset_class = "share"',
        'config/instruments.toml: instrument[AAPL].asset_class: found "share"; "crypto-spot" or '
        '"forex" or "equity" or "bond" or "etf" or "commodity" or "option" or "future" '
        "would be right",
    ),
    (
        INSTRUMENTS,
        "expiry = 2036-11-15",
        'expiry = "2036-11-15"',
        'config/instruments.toml: instrument[US10Y].expiry: found "2036-11-15"; '
        "a date such as 2026-12-18 without quotes would be right",
    ),
    (
        VENUE,
        "port = 9944",
        'port = "9944"',
        'config/venue.toml: listen.port: found "9944"; '
        "a whole number without quotes would be right",
    ),
    (
        VENUE,
        "port = 9944",
        "port = 99440",
        "config/venue.toml: listen.port: found 99440; a number from 0 to 65535 would be right",
    ),
    (
        VENUE,
        "proxy_from = []",
        'proxy_from = ["10.0.0.5/29"]',
        'config/venue.toml: listen.proxy_from[1]: found "10.0.0.5/29"; '
        '"10.0.0.0/29" would be right',
    ),
    (
        VENUE,
        "half_dead_wait_s = 3",
        "half_dead_wait_s = 0",
        "config/venue.toml: listen.half_dead_wait_s: found 0; a number from 1 to 60 would be right",
    ),
    (
        VENUE,
        'durability = "durable"',
        'durability = "fsync"',
        'config/venue.toml: venue.durability: found "fsync"; "durable" or "process" would be right',
    ),
    (
        VENUE,
        'host = "127.0.0.1"',
        'host = "everywhere"',
        'config/venue.toml: listen.host: found "everywhere"; '
        'an IP address such as "127.0.0.1" would be right',
    ),
    (
        VENUE,
        'EUR = "1.08"',
        'euro = "1.08"',
        'config/venue.toml: rates.euro: found "euro"; a currency code such as USD would be right',
    ),
    (
        VENUE,
        "[slow_reader]",
        "[slow_readers]",
        'config/venue.toml: slow_readers: is unknown; did you mean "slow_reader"?',
    ),
    (
        VENUE,
        "max_bytes = 67_108_864 ",
        "max_bytes = 0 ",
        "config/venue.toml: slow_reader.max_bytes: found 0; "
        "a number from 65536 to 1099511627776 would be right",
    ),
    (
        VENUE,
        "segments_ahead = 2",
        "segments_ahead = 0",
        "config/venue.toml: journal.segments_ahead: found 0; a number from 1 to 64 would be right",
    ),
    (
        VENUE,
        "low_space_segments = 4",
        "low_space_segments = -1",
        "config/venue.toml: journal.low_space_segments: found -1; "
        "a number from 0 to 1024 would be right",
    ),
    (
        VENUE,
        "bytes_per_second = 67_108_864",
        "bytes_per_second = -1",
        "config/venue.toml: resend.bytes_per_second: found -1; "
        "a number from 0 to 1099511627776 would be right",
    ),
    (
        VENUE,
        "burst_bytes = 67_108_864",
        "burst_bytes = 1",
        "config/venue.toml: resend.burst_bytes: found 1; "
        "a number from 65536 to 1099511627776 would be right",
    ),
    (
        VENUE,
        "keeper = true",
        "keeper = 1",
        "config/venue.toml: children.keeper: found 1; true or false would be right",
    ),
    (
        VENUE,
        "projector = true",
        'projector = "yes"',
        'config/venue.toml: children.projector: found "yes"; true or false would be right',
    ),
    (
        VENUE,
        "every_segments = 16",
        "every_segments = 0",
        "config/venue.toml: snapshots.every_segments: found 0; "
        "a number from 1 to 100000 would be right",
    ),
    (
        VENUE,
        "every_minutes = 60",
        "every_minutes = 0",
        "config/venue.toml: snapshots.every_minutes: found 0; "
        "a number from 1 to 10080 would be right",
    ),
    (
        VENUE,
        "kept = 3",
        "kept = 0",
        "config/venue.toml: snapshots.kept: found 0; a number from 1 to 1000 would be right",
    ),
    (
        VENUE,
        "compress_after_days = 7",
        "compress_after_days = -1",
        "config/venue.toml: retention.compress_after_days: found -1; "
        "a number from 0 to 36500 would be right",
    ),
    (
        VENUE,
        "compress_after_segments = 0",
        "compress_after_segments = -1",
        "config/venue.toml: retention.compress_after_segments: found -1; "
        "a number from 0 to 4294967294 would be right",
    ),
    (
        VENUE,
        "keep_days = 0",
        "keep_days = 36501",
        "config/venue.toml: retention.keep_days: found 36501; "
        "a number from 0 to 36500 would be right",
    ),
    (
        VENUE,
        'store = "sealed-files"',
        'store = "pkcs11"',
        'config/venue.toml: secrets.store: found "pkcs11"; this is not supported yet; '
        '"sealed-files" would be right',
    ),
    (
        VENUE,
        "[secrets]",
        '[secrets]\nkey_file = ""',
        'config/venue.toml: secrets.key_file: found ""; the path of a file would be right',
    ),
    (
        CALENDAR,
        'zone = "America/New_York"',
        'zone = "America/Atlantis"',
        'config/calendar.toml: roll.zone: found "America/Atlantis"; '
        'an IANA time zone such as "America/New_York" would be right',
    ),
    (
        CALENDAR,
        'time = "17:00"',
        'time = "25:00"',
        'config/calendar.toml: roll.time: found "25:00"; '
        'a time of day such as "17:00" would be right',
    ),
    (
        BROKER1,
        'allow_from = ["127.0.0.0/8", "::1/128"]',
        'allow_from = ["127.0.0.0/8", "10.1.2.3/8"]',
        'sessions/BROKER1.toml: logon.allow_from[2]: found "10.1.2.3/8"; '
        '"10.0.0.0/8" would be right',
    ),
    (
        BROKER1,
        'allow_from = ["127.0.0.0/8", "::1/128"]',
        'allow_from = "127.0.0.0/8"',
        'sessions/BROKER1.toml: logon.allow_from: found "127.0.0.0/8"; a list would be right',
    ),
    (
        BROKER1,
        'role = "order-entry"',
        'role = "order-entry"\nenabled = "no"',
        'sessions/BROKER1.toml: session.enabled: found "no"; true or false would be right',
    ),
    (
        BROKER1,
        "heart_bt_int = [5, 60]",
        "heart_bt_int = [5]",
        "sessions/BROKER1.toml: logon.heart_bt_int: found a list of 1; a list of 2 would be right",
    ),
    (
        BROKER1,
        "[logon]",
        '[logon]\nclient_certificate = "sha256:12"',
        'sessions/BROKER1.toml: logon.client_certificate: found "sha256:12"; '
        '"sha256:" and 64 hexadecimal digits would be right',
    ),
    (
        BROKER1,
        "[logon]",
        "[logon]\nclient_certificate = 12",
        "sessions/BROKER1.toml: logon.client_certificate: found 12; "
        '"sha256:..." or { ca = "...", subject = "..." } would be right',
    ),
    (
        BROKER1,
        "[logon]",
        '[logon]\nclient_certificate = [{ ca = "partners" }]',
        "sessions/BROKER1.toml: logon.client_certificate[1].subject: is missing",
    ),
    (
        BROKER1,
        "[logon]",
        '[logon]\nclient_certificate = { ca = "partners", subject = "broker1" }',
        'sessions/BROKER1.toml: logon.client_certificate.subject: found "broker1"; a subject as '
        "`openssl x509 -noout -subject -nameopt RFC2253` prints it, such as "
        '"CN=bot" would be right',
    ),
    (
        BROKER1,
        "[logon]",
        "[logon]\nrequire_tls = 1",
        "sessions/BROKER1.toml: logon.require_tls: found 1; true or false would be right",
    ),
    (
        VENUE,
        "[journal]",
        "[tls]\nhandshake_timeout_s = 0\n[journal]",
        "config/venue.toml: tls.handshake_timeout_s: found 0; "
        "a number from 1 to 86400 would be right",
    ),
    (
        VENUE,
        "[journal]",
        '[tls]\nclient_ca = "ca.pem"\n[journal]',
        'config/venue.toml: tls.client_ca: found "ca.pem"; a table would be right',
    ),
    (
        BROKER1,
        "cancel_on_disconnect = false",
        'cancel_on_disconnect = "no"',
        'sessions/BROKER1.toml: logon.cancel_on_disconnect: found "no"; '
        "true or false would be right",
    ),
    (
        BROKER1,
        "[logon]",
        "[logon]\ncancel_grace_s = 3601",
        "sessions/BROKER1.toml: logon.cancel_grace_s: found 3601; "
        "a number from 0 to 3600 would be right",
    ),
    (
        BROKER1,
        "[logon]",
        "[logon]\ncancel_on_logout = 1",
        "sessions/BROKER1.toml: logon.cancel_on_logout: found 1; true or false would be right",
    ),
    (
        BROKER1,
        "[logon]",
        "[logon]\ncancel_on_logout = true",
        "sessions/BROKER1.toml: logon.cancel_on_logout: found true beside cancel_on_disconnect = "
        "false; leaving one of the two out would be right",
    ),
    (
        DROPCOPY1,
        "[logon]",
        "[logon]\ncancel_on_disconnect = false",
        "sessions/DROPCOPY1.toml: logon.cancel_on_disconnect: does not apply to role drop-copy; "
        "leave it out",
    ),
    (
        BROKER1,
        "[limits]",
        "[limits]\nmessages_per_second = -1",
        "sessions/BROKER1.toml: limits.messages_per_second: found -1; "
        "a number from 0 to 4294967294 would be right",
    ),
    (
        BROKER1,
        "[limits]",
        '[limits]\norders_per_second = "100"',
        'sessions/BROKER1.toml: limits.orders_per_second: found "100"; '
        "a whole number without quotes would be right",
    ),
    (
        BROKER1,
        "[limits]",
        "[limits]\nthrottle_logout_after = 1.5",
        "sessions/BROKER1.toml: limits.throttle_logout_after: found 1.5 without quotes; "
        "a whole number without quotes would be right",
    ),
    (
        BROKER1,
        '"milliseconds"',
        '"nanoseconds"',
        'sessions/BROKER1.toml: session.timestamp_precision: found "nanoseconds"; '
        '"seconds" or "milliseconds" or "microseconds" would be right',
    ),
    (
        BROKER1,
        "processed = false",
        "processed = 1",
        "sessions/BROKER1.toml: session.last_msg_seq_num_processed: found 1; "
        "true or false would be right",
    ),
    (
        BROKER1,
        'reset_seq_num = "allowed"',
        'reset_seq_num = "at-start"',
        'sessions/BROKER1.toml: logon.reset_seq_num: found "at-start"; '
        '"allowed" or "at-session-start" or "refused" would be right',
    ),
    (
        BROKER1,
        "[limits]",
        f'{SCHEDULE}reset = "monthly"\n[limits]',
        'sessions/BROKER1.toml: schedule.reset: found "monthly"; '
        '"weekly" or "daily" or "never" would be right',
    ),
    (
        BROKER1,
        "[limits]",
        f'{SCHEDULE}days = ["monday"]\n[limits]',
        'sessions/BROKER1.toml: schedule.days[1]: found "monday"; '
        '"mon" or "tue" or "wed" or "thu" or "fri" or "sat" or "sun" would be right',
    ),
    (
        BROKER1,
        "[limits]",
        SCHEDULE.replace("16:55", "24:00") + "[limits]",
        'sessions/BROKER1.toml: schedule.end: found "24:00"; '
        'a time of day such as "17:00" would be right',
    ),
    (
        BROKER1,
        "[limits]",
        SCHEDULE.replace('zone = "UTC"\n', "") + "[limits]",
        "sessions/BROKER1.toml: schedule.zone: is missing",
    ),
    (
        BROKER1,
        'role = "order-entry"',
        'role = "market-data"',
        'sessions/BROKER1.toml: session.role: found "market-data"; this is not supported yet; '
        '"order-entry" or "drop-copy" would be right',
    ),
    (
        RISK,
        "[account.B1-CLIENT]",
        "[account.B1-CLIENT]\norders_per_second = 5",
        "config/risk.toml: account.B1-CLIENT.orders_per_second: is unknown; "
        "known here: max_order_qty, max_order_notional, max_open_orders",
    ),
    (
        RISK,
        '[firm."Broker One"]',
        '[firm]\n"Broker One" = 5\n[account.B1-HOUSE]',
        "config/risk.toml: firm.Broker One: found 5; a table would be right",
    ),
]

CONTRADICTIONS = [
    (
        VENUE,
        "plain = true",
        "plain = false",
        "config/venue.toml: listen.plain: found false without tls.port, so nobody could connect",
    ),
    (
        VENUE,
        "[journal]",
        '[tls]\nport = 9946\ncertificate = "server.pem"\n[journal]',
        "config/venue.toml: tls.private_key: is missing, and tls.port needs it",
    ),
    (
        VENUE,
        "[journal]",
        '[tls]\nport = 9945\ncertificate = "a.pem"\nprivate_key = "a.key"\n[journal]',
        "config/venue.toml: tls.port: found 9945, which is listen.metrics_port; "
        "another would be right",
    ),
    (
        VENUE,
        "[journal]",
        "[tls]\nrequire_client_certificate = true\n[journal]",
        "config/venue.toml: tls.require_client_certificate: found true without a CA; "
        'partners = "partners.pem" under [tls.client_ca] would be right',
    ),
    (
        BROKER1,
        "[logon]",
        "[logon]\nrequire_tls = true",
        "sessions/BROKER1.toml: logon.require_tls: stands here while config/venue.toml has no "
        "tls.port, so this session could never log on",
    ),
    (
        BROKER1,
        'reset_seq_num = "allowed"',
        'reset_seq_num = "at-session-start"',
        'sessions/BROKER1.toml: logon.reset_seq_num: found "at-session-start" without a '
        '[schedule]; "allowed" or "refused" would be right',
    ),
    (
        BROKER1,
        "[limits]",
        f'{SCHEDULE}start_day = "sun"\n[limits]',
        "sessions/BROKER1.toml: schedule.start_day: stands without end_day; "
        "both or neither would be right",
    ),
    (
        BROKER1,
        "[limits]",
        f'{SCHEDULE}end_day = "fri"\n[limits]',
        "sessions/BROKER1.toml: schedule.end_day: stands without start_day; "
        "both or neither would be right",
    ),
    (
        BROKER1,
        "[limits]",
        f'{SCHEDULE}start_day = "sun"\nend_day = "fri"\ndays = ["mon"]\n[limits]',
        "sessions/BROKER1.toml: schedule.days: stands beside start_day; "
        "one of the two would be right",
    ),
    (
        BROKER1,
        "[limits]",
        f'{SCHEDULE}start_day = "sun"\nend_day = "fri"\nreset = "daily"\n[limits]',
        'sessions/BROKER1.toml: schedule.reset: found "daily" beside start_day; '
        '"weekly" or "never" would be right',
    ),
    (
        BROKER1,
        "[limits]",
        f"{SCHEDULE}days = []\n[limits]",
        "sessions/BROKER1.toml: schedule.days: found an empty list; "
        'days such as "mon" would be right',
    ),
    (
        BROKER1,
        "[limits]",
        f'{SCHEDULE}days = ["mon", "tue", "mon"]\n[limits]',
        "sessions/BROKER1.toml: schedule.days: names a day more than once; once is right",
    ),
    (
        VENUE,
        "proxy_from = []",
        'proxy_from = ["10.0.0.0/29", "::/0"]',
        'config/venue.toml: listen.proxy_from: found "::/0", where everybody could name any '
        "address; the networks of your balancers would be right",
    ),
    (
        INSTRUMENTS,
        'reference_price = "190.00"',
        'reference_price = "190.005"',
        'config/instruments.toml: instrument[AAPL].reference_price: found "190.005", '
        'off the tick of 0.01; "190" or "190.01" would be right',
    ),
    (
        INSTRUMENTS,
        'symbol = "SPY"',
        'symbol = "BTC-USD"',
        'config/instruments.toml: instrument[BTC-USD].symbol: found "BTC-USD" '
        "once more; another would be right",
    ),
    (
        INSTRUMENTS,
        'currency = "USD"',
        'currency = "JPY"',
        'config/instruments.toml: instrument[AAPL].currency: found "JPY", for which '
        'config/venue.toml has no rate; JPY = "..." under [rates] would be right',
    ),
    (
        INSTRUMENTS,
        'security_type = "CS"',
        'security_type = "OPT"',
        'config/instruments.toml: instrument[AAPL].security_type: found "OPT"; '
        '"CS" or "PS" would be right',
    ),
    (
        INSTRUMENTS,
        'strike = "200.00"\n',
        "",
        "config/instruments.toml: instrument[AAPL-271217C200].strike: is missing, "
        "and asset class option needs it",
    ),
    (
        INSTRUMENTS,
        'reference_price = "190.00"',
        'reference_price = "190.00"\nstrike = "200"',
        "config/instruments.toml: instrument[AAPL].strike: "
        "does not apply to asset class equity; leave it out",
    ),
    (
        INSTRUMENTS,
        'price_band_percent = "5"',
        'price_band_percent = "0.0001"',
        'config/instruments.toml: instrument[EUR-USD].price_band_percent: found "0.0001", '
        'a band narrower than a tick; a wider one, or "0" for none, would be right',
    ),
    (
        VENUE,
        "duplicate_window = 4_000_000",
        "duplicate_window = 999_999",
        "config/venue.toml: capacity.duplicate_window: found 999999; "
        "at least capacity.orders (1000000) would be right",
    ),
    (
        VENUE,
        "max_bytes = 67_108_864 ",
        "max_bytes = 1_048_575 ",
        "config/venue.toml: slow_reader.max_bytes: found 1048575; "
        "at least capacity.ring_bytes (1048576) would be right",
    ),
    (
        VENUE,
        "accounts = 4096",
        "accounts = 3",
        "config/venue.toml: capacity.accounts: found 3; at least 4 would be right: "
        "the files say so",
    ),
    (
        VENUE,
        "metrics_port = 9945",
        "metrics_port = 9944",
        "config/venue.toml: listen.metrics_port: found 9944, which is listen.port; "
        "another would be right",
    ),
    (
        VENUE,
        'after_restart = "open"',
        'after_restart = "halted"',
        'config/venue.toml: venue.reopen_after_s: found 0 with after_restart = "halted"; '
        "the seconds until orders are taken again would be right",
    ),
    (
        VENUE,
        'EUR = "1.08"',
        'USD = "1.08"',
        'config/venue.toml: rates.USD: found "1.08" for the venue\'s own currency; '
        "leaving it out would be right",
    ),
    (
        CALENDAR,
        'days = ["mon", "tue", "wed", "thu", "fri"]',
        "days = []",
        'config/calendar.toml: roll.days: found an empty list; days such as "mon" would be right',
    ),
    (
        BROKER1,
        'sender_comp_id = "BROKER1"',
        'sender_comp_id = "BROKER9"',
        'sessions/BROKER1.toml: session.sender_comp_id: found "BROKER9"; "BROKER1", '
        "the name of the file, would be right",
    ),
    (
        BROKER1,
        'target_comp_id = "KK99"',
        'target_comp_id = "KK98"',
        'sessions/BROKER1.toml: session.target_comp_id: found "KK98"; "KK99", the venue, '
        "would be right",
    ),
    (
        BROKER1,
        'accounts = ["B1-HOUSE", "B1-CLIENT"]',
        'accounts = ["B1-HOUSE", "B1-CLIENT", "B1-HOUSE"]',
        'sessions/BROKER1.toml: session.accounts: found "B1-HOUSE" more than once; once is right',
    ),
    (
        "sessions/BROKER2.toml",
        '"B2-HOUSE", ',
        '"B2-HOUSE", "B1-HOUSE", ',
        'sessions/BROKER2.toml: session.accounts: found "B1-HOUSE", which belongs to firm '
        '"Broker One" in sessions/BROKER1.toml; one firm per account would be right',
    ),
    (
        BROKER1,
        "[logon]",
        '[logon]\nusername = "broker1"',
        "sessions/BROKER1.toml: logon.username: stands without password_hash; "
        "both or neither would be right",
    ),
    (
        BROKER1,
        "[logon]",
        '[logon]\ntotp = "BROKER1"',
        "sessions/BROKER1.toml: logon.totp: stands without password_hash; "
        "a password beside the code would be right",
    ),
    (
        BROKER1,
        "[logon]",
        '[logon]\ntotp = "../BROKER1"',
        'sessions/BROKER1.toml: logon.totp: found "../BROKER1"; the name of a seed, letters, '
        "digits, _ or -, would be right",
    ),
    (
        BROKER1,
        "[logon]",
        f'[logon]\npublic_key = "{PUBLIC_KEY}"',
        "sessions/BROKER1.toml: logon.public_key: stands without username; "
        "username, the id of that key, beside it would be right",
    ),
    (
        BROKER1,
        "[logon]",
        f'[logon]\nusername = "k1"\npassword_hash = "{HASH}"\npublic_key = "{PUBLIC_KEY}"',
        "sessions/BROKER1.toml: logon.public_key: stands beside password_hash; "
        "one of the two would be right",
    ),
    (
        BROKER1,
        "[logon]",
        f'[logon]\nusername = "k1"\ntotp = "BROKER1"\npublic_key = "{PUBLIC_KEY}"',
        "sessions/BROKER1.toml: logon.public_key: stands beside totp, and RawData(96) carries "
        "one of the two; one of them would be right",
    ),
    (
        VENUE,
        "signature_window_s = 5",
        "signature_window_s = 61",
        "config/venue.toml: listen.signature_window_s: found 61; a number from 1 to 60 would be "
        "right",
    ),
    (
        BROKER1,
        '["127.0.0.0/8", "::1/128"]',
        '["0.0.0.0/0"]',
        'sessions/BROKER1.toml: logon.allow_from: found "0.0.0.0/0", every address, without '
        "a password; narrower networks, a password or a client_certificate would be right",
    ),
    (
        BROKER1,
        '["127.0.0.0/8", "::1/128"]',
        "[]",
        "sessions/BROKER1.toml: logon.allow_from: found an empty list; "
        'networks such as "10.1.0.0/16" would be right',
    ),
    (
        BROKER1,
        "[5, 60]",
        "[60, 5]",
        "sessions/BROKER1.toml: logon.heart_bt_int: found [60, 5]; [5, 60], lowest first, "
        "would be right",
    ),
    (
        BROKER1,
        "[limits]",
        '[drop_copy]\nfirms = ["*"]\n[limits]',
        "sessions/BROKER1.toml: drop_copy.firms: does not apply to role order-entry; leave it out",
    ),
    (
        DROPCOPY1,
        'firms = ["*"]',
        "",
        'sessions/DROPCOPY1.toml: drop_copy.firms: is missing; firms = ["*"] sees every firm',
    ),
    (
        DROPCOPY1,
        'firms = ["*"]',
        'firms = ["*", "Broker One"]',
        'sessions/DROPCOPY1.toml: drop_copy.firms: found "*" beside other names; '
        '"*" alone is every firm',
    ),
    (
        DROPCOPY1,
        'firms = ["*"]',
        'firms = ["Broker Three"]',
        'sessions/DROPCOPY1.toml: drop_copy.firms: found "Broker Three", a firm that no session '
        'names; "Broker One" or "Broker Two" or "KK99 Compliance" would be right',
    ),
    (
        DROPCOPY1,
        'firms = ["*"]',
        'accounts = ["B3-HOUSE"]',
        'sessions/DROPCOPY1.toml: drop_copy.accounts: found "B3-HOUSE", an account that no '
        'session has; "B1-CLIENT" or "B1-HOUSE" or "B2-CLIENT" or "B2-HOUSE" would be right',
    ),
    (
        DROPCOPY1,
        'firms = ["*"]',
        'firms = ["*"]\naccounts = ["B1-HOUSE"]',
        "sessions/DROPCOPY1.toml: drop_copy.accounts: stands beside firms; "
        "one of the two would be right",
    ),
    (
        DROPCOPY1,
        "[drop_copy]",
        "[limits]\nmax_open_orders = 5\n[drop_copy]",
        "sessions/DROPCOPY1.toml: limits: does not apply to role drop-copy; leave it out",
    ),
    (
        DROPCOPY1,
        "[drop_copy]",
        "[limits]\nmessages_per_second = 5\n[drop_copy]",
        "sessions/DROPCOPY1.toml: limits: does not apply to role drop-copy; leave it out",
    ),
    (
        DROPCOPY1,
        'firm = "KK99 Compliance"',
        'firm = "KK99 Compliance"\naccounts = ["KK99-DESK"]',
        "sessions/DROPCOPY1.toml: session.accounts: does not apply to role drop-copy; leave it out",
    ),
    (
        RISK,
        "[account.B1-CLIENT]",
        "[account.B9-CLIENT]",
        "config/risk.toml: account.B9-CLIENT: no session has this account; "
        '"B1-CLIENT" or "B1-HOUSE" or "B2-CLIENT" or "B2-HOUSE" would be right',
    ),
    (
        RISK,
        '[firm."Broker Two"]',
        '[firm."Broker 2"]',
        "config/risk.toml: firm.Broker 2: no session names this firm; "
        '"Broker One" or "Broker Two" or "KK99 Compliance" would be right',
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "says"), SINGLE_VALUES)
def test_a_wrong_value(folder: ConfigFolder, file: str, old: str, new: str, says: str) -> None:
    """One wrong value is one mistake, and its text is all a person needs."""
    folder.replace(file, old, new)

    assert folder.mistakes() == [says]


@pytest.mark.parametrize(("file", "old", "new", "says"), CONTRADICTIONS)
def test_a_contradiction(folder: ConfigFolder, file: str, old: str, new: str, says: str) -> None:
    """Values that are right alone and wrong together are one mistake."""
    folder.replace(file, old, new)

    assert folder.mistakes() == [says]


def test_all_mistakes_of_all_files_at_once(folder: ConfigFolder) -> None:
    """Nobody has to fix one mistake to see the next, not even those across files."""
    folder.replace(VENUE, "port = 9944", "port = -1")
    folder.replace(INSTRUMENTS, 'tick = "0.01"', "tick = 0.01")
    folder.replace(INSTRUMENTS, 'lot = "1"', 'lot = "-1"')
    folder.replace(CALENDAR, 'time = "17:00"', 'time = "17"')
    folder.replace(RISK, "[account.B1-CLIENT]", "[account.NOBODY]")
    folder.replace(BROKER1, '"KK99"', '"KK98"')

    assert [mistake.split(": ")[1] for mistake in folder.mistakes()] == [
        "roll.time",
        "instrument[AAPL].tick",
        "instrument[AAPL].lot",
        "account.NOBODY",
        "listen.port",
    ]

    folder.replace(VENUE, "port = -1", "port = 9944")

    assert [mistake.split(": ")[1] for mistake in folder.mistakes()][-1] == "session.target_comp_id"


def test_an_unreadable_session_file_accuses_no_other(folder: ConfigFolder) -> None:
    """With BROKER1 unreadable, its account in risk.toml is not called an account of nobody."""
    folder.write(BROKER1, "[session\n")

    assert folder.mistakes() == [
        "sessions/BROKER1.toml: is not TOML: "
        "Expected ']' at the end of a table declaration (at line 1, column 9)"
    ]


@pytest.mark.parametrize(
    ("file", "added", "mistake"),
    [
        (
            BROKER1,
            'functions = ["limit", "drop-copy"]',
            'certification.functions: found "drop-copy", which role order-entry does not do; '
            '"limit" or "market" or "ioc" or "fok" or "gtc" or "cancel" or "replace" or "status" '
            'or "mass-status" or "refusal" or "resend" or "logout" would be right',
        ),
        (
            BROKER1,
            "require_certification = true",
            'certification.functions: is missing; functions such as "limit" and "cancel" '
            "would be right",
        ),
        (
            DROPCOPY1,
            'functions = ["drop-copy"]\nrequire_certification = true',
            "certification.require_certification: does not apply to role drop-copy; leave it out",
        ),
    ],
)
def test_a_certification_that_cannot_be(
    folder: ConfigFolder, file: str, added: str, mistake: str
) -> None:
    """Functions fit the role, and whoever has to be certified says for what."""
    folder.replace(INSTRUMENTS, 'symbol = "AAPL"', 'symbol = "AAPL"\ncertification = true')
    folder.write(file, (folder.root / file).read_text() + f"\n[certification]\n{added}\n")

    assert folder.mistakes() == [f"{file}: {mistake}"]


def test_nothing_to_be_certified_with(folder: ConfigFolder) -> None:
    """A session that has to be certified needs an instrument for it, or a test venue."""
    added = '\n[certification]\nfunctions = ["limit"]\nrequire_certification = true\n'
    folder.write(BROKER1, (folder.root / BROKER1).read_text() + added)

    assert folder.mistakes() == [
        "sessions/BROKER1.toml: certification.require_certification: found true, and there is "
        "nothing to be certified with; certification = true at an instrument, or "
        "test_venue = true, would be right"
    ]
    folder.replace(VENUE, "test_venue = false", "test_venue = true")
    assert folder.load().sessions[0].certification.require_certification


def test_two_files_of_one_comp_id(folder: ConfigFolder) -> None:
    """A copied session file that kept its name inside is two mistakes: the stem, the duplicate."""
    text = (folder.root / BROKER1).read_text()
    folder.write("sessions/BROKER3.toml", text)

    assert folder.mistakes() == [
        'sessions/BROKER3.toml: session.sender_comp_id: found "BROKER1", which '
        "sessions/BROKER1.toml has too; another would be right",
        'sessions/BROKER3.toml: session.sender_comp_id: found "BROKER1"; "BROKER3", '
        "the name of the file, would be right",
    ]


def test_a_seed_of_two_sessions(folder: ConfigFolder) -> None:
    """A code would be good for a logon of either, and so for two."""
    keys = f'[logon]\nusername = "b"\npassword_hash = "{HASH}"\ntotp = "shared"'
    for number in (1, 2):
        folder.replace(f"sessions/BROKER{number}.toml", "[logon]", keys)

    assert folder.mistakes() == [
        'sessions/BROKER2.toml: logon.totp: found "shared", which sessions/BROKER1.toml has too; '
        "a seed of its own would be right: a code is good for one logon"
    ]


def test_a_copy_is_blamed_and_not_the_original(folder: ConfigFolder) -> None:
    """Whichever name comes first, the file that is called as its session is right."""
    text = (folder.root / BROKER1).read_text()
    folder.write("sessions/BROKER1 (copy).toml", text.replace('"Broker One"', '"Other"'))

    files = {mistake.partition(": ")[0] for mistake in folder.mistakes()}
    assert files == {"sessions/BROKER1 (copy).toml"}


def test_a_session_that_calls_itself_the_venue(folder: ConfigFolder) -> None:
    """The venue's own comp id is taken."""
    text = (folder.root / DROPCOPY1).read_text().replace('"DROPCOPY1"', '"KK99"')
    folder.write("sessions/KK99.toml", text)

    assert folder.mistakes() == [
        'sessions/KK99.toml: session.sender_comp_id: found "KK99", which is the venue itself; '
        "another would be right"
    ]


def test_more_copies_than_an_account_can_have(folder: ConfigFolder) -> None:
    """The seventeenth drop copy of one account is refused."""
    text = (folder.root / DROPCOPY1).read_text()
    for number in range(2, 18):
        folder.write(
            f"sessions/DROPCOPY{number:02}.toml",
            text.replace('"DROPCOPY1"', f'"DROPCOPY{number:02}"'),
        )

    (mistake,) = folder.mistakes()
    assert mistake.endswith("drop_copy: is one copy too many: 16 may follow one account")


def test_missing_files_and_folders(folder: ConfigFolder) -> None:
    """Each file that should be there is named."""
    (folder.root / VENUE).unlink()
    (folder.root / CALENDAR).unlink()
    folder.sessions.rename(folder.root / "elsewhere")

    assert folder.mistakes() == [
        "config/calendar.toml: there is no such file",
        "config/venue.toml: there is no such file",
        "sessions: there is no such folder",
    ]


def test_bytes_that_are_no_text(folder: ConfigFolder) -> None:
    """A file that is not UTF-8 is named with the byte that is not."""
    (folder.root / RISK).write_bytes(b"# r\xe9sum\xe9\n")

    assert folder.mistakes() == ["config/risk.toml: byte 4 is not UTF-8 text"]


def test_no_secret_in_a_message_or_a_repr(folder: ConfigFolder) -> None:
    """A password hash, right or wrong, is never shown."""
    folder.replace(BROKER1, "[logon]", f'[logon]\nusername = "b1"\npassword_hash = "{HASH}"')

    session = folder.load().session("BROKER1")
    assert session is not None
    assert session.logon.password_hash == HASH
    assert "argon2id" not in repr(session)

    folder.replace(BROKER1, HASH, "open sesame")

    assert folder.mistakes() == [
        "sessions/BROKER1.toml: logon.password_hash: this value is kept out of messages; "
        "an argon2id hash that starts with $argon2id$v=19$ would be right"
    ]
