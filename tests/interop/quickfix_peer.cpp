/*
 * A QuickFIX initiator for the interop tests: one session, driven by lines on standard input.
 *
 *   send<TAB>MSGTYPE<TAB>TAG=VALUE...   a group: TAG=[TAG=VALUE;TAG=VALUE][...]
 *   logout                              ask for a Logout(5) and stay logged out
 *   logon                               be logged on again
 *   end                                 stop the engine and exit
 *
 * Every event is one JSON line on standard output: {"kind": ..., "text": ...}.
 *   in, out    the exact bytes, SOH written as |
 *   event      what the engine logs
 *   logon, logout
 *   accepted   an application message passed all of the engine's validation; text is its number
 * Everything else is left to the test; nothing is judged here.
 */
#include <cstdlib>
#include <iostream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include <quickfix/Application.h>
#include <quickfix/FileStore.h>
#include <quickfix/Group.h>
#include <quickfix/Log.h>
#include <quickfix/Session.h>
#include <quickfix/SessionSettings.h>
#include <quickfix/SocketInitiator.h>

namespace {

std::mutex output_lock;

/* Print one JSON line; all text is FIX or the engine's own, so only three bytes need care. */
void emit(const std::string &kind, const std::string &text) {
    std::ostringstream line;
    line << "{\"kind\": \"" << kind << "\", \"text\": \"";
    for (unsigned char byte : text) {
        if (byte == '\x01') {
            line << '|';
        } else if (byte == '"' || byte == '\\') {
            line << '\\' << byte;
        } else if (byte < 0x20 || byte > 0x7e) {
            line << '?';
        } else {
            line << byte;
        }
    }
    line << "\"}\n";
    std::lock_guard<std::mutex> guard(output_lock);
    std::cout << line.str() << std::flush;
}

class EventLog : public FIX::Log {
  public:
    void clear() override {}
    void backup() override {}
    void onIncoming(const std::string &bytes) override { emit("in", bytes); }
    void onOutgoing(const std::string &bytes) override { emit("out", bytes); }
    void onEvent(const std::string &text) override { emit("event", text); }
};

class EventLogFactory : public FIX::LogFactory {
  public:
    FIX::Log *create() override { return new EventLog; }
    FIX::Log *create(const FIX::SessionID &) override { return new EventLog; }
    void destroy(FIX::Log *log) override { delete log; }
};

std::vector<std::string> split(const std::string &text, char separator) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, separator);) {
        parts.push_back(part);
    }
    return parts;
}

/* Add TAG=VALUE to a message or an entry of a group. */
void add_field(FIX::FieldMap &fields, const std::string &text) {
    std::string::size_type equals = text.find('=');
    fields.setField(std::stoi(text.substr(0, equals)), text.substr(equals + 1));
}

class Events : public FIX::NullApplication {
  public:
    void onLogon(const FIX::SessionID &) override { emit("logon", ""); }
    void onLogout(const FIX::SessionID &) override { emit("logout", ""); }

    /* QuickFIX has no setting for credentials: the application adds them. */
    void toAdmin(FIX::Message &message, const FIX::SessionID &) override {
        const char *added = std::getenv("LOGON_FIELDS");
        if (added != nullptr && message.getHeader().getField(FIX::FIELD::MsgType) == "A") {
            for (const std::string &field : split(added, '\t')) {
                add_field(message, field);
            }
        }
    }

    void fromApp(const FIX::Message &message, const FIX::SessionID &) throw(
        FIX::FieldNotFound, FIX::IncorrectDataFormat, FIX::IncorrectTagValue,
        FIX::UnsupportedMessageType) override {
        emit("accepted", message.getHeader().getField(FIX::FIELD::MsgSeqNum));
    }
};

/* Add the entries of "[448=A;447=D;452=1][...]"; the first field of an entry delimits it. */
void add_group(FIX::Message &message, int tag, const std::string &entries) {
    for (std::string::size_type at = 0; at < entries.size();) {
        std::string::size_type end = entries.find(']', at);
        std::vector<std::string> fields = split(entries.substr(at + 1, end - at - 1), ';');
        std::vector<int> order;
        for (const std::string &field : fields) {
            order.push_back(std::stoi(field));
        }
        order.push_back(0);
        FIX::Group group(tag, order[0], order.data());
        for (const std::string &field : fields) {
            add_field(group, field);
        }
        message.addGroup(group);
        at = end + 1;
    }
}

void send(const std::vector<std::string> &words, const FIX::SessionID &session) {
    FIX::Message message;
    message.getHeader().setField(FIX::FIELD::BeginString, session.getBeginString().getValue());
    message.getHeader().setField(FIX::FIELD::MsgType, words.at(1));
    for (std::size_t i = 2; i < words.size(); i++) {
        std::string::size_type equals = words[i].find('=');
        if (words[i].compare(equals, 2, "=[") == 0) {
            add_group(message, std::stoi(words[i]), words[i].substr(equals + 1));
        } else {
            add_field(message, words[i]);
        }
    }
    FIX::Session::sendToTarget(message, session);
}

/* Obey standard input until it ends. */
void obey(const FIX::SessionID &id) {
    for (std::string line; std::getline(std::cin, line);) {
        std::vector<std::string> words = split(line, '\t');
        FIX::Session *session = FIX::Session::lookupSession(id);
        if (words.at(0) == "send") {
            send(words, id);
        } else if (words.at(0) == "logout") {
            session->logout();
        } else if (words.at(0) == "logon") {
            session->logon();
        } else {
            return;
        }
    }
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        std::cerr << "usage: quickfix_peer SETTINGS\n";
        return 2;
    }
    try {
        FIX::SessionSettings settings(argv[1]);
        Events events;
        FIX::FileStoreFactory stores(settings);
        EventLogFactory logs;
        FIX::SocketInitiator initiator(events, stores, settings, logs);
        initiator.start();
        obey(*settings.getSessions().begin());
        initiator.stop();
    } catch (const std::exception &error) {
        std::cerr << "quickfix_peer: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
