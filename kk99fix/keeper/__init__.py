"""The keeper: replays complete segments beside the gateway, seals them, and tidies up behind."""
