"""A counterparty taken on: its session file, its credentials, and what it is sent.

Plain functions from values to texts and files; `kk99fix.commands.onboard` asks the questions.
Whether a file is right is decided by `kk99fix.config` alone: here it is only written and tried.
"""
