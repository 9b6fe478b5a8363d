/*
 * A QuickFIX acceptor with a small venue behind it, for the harness to be tried against.
 *
 *   quickfix_acceptor SETTINGS     prints `listening`, and serves until its input ends
 *
 * The session layer, the message store and the validation against a stock dictionary are QuickFIX's.
 * The venue knows limit orders: it reports New, matches by price with whatever rests on the other
 * side, cancels what an immediate-or-cancel order leaves, cancels and replaces. Symbol NOSUCH is
 * unknown to it.
 */
#include <algorithm>
#include <iostream>
#include <list>
#include <set>
#include <string>

#include <quickfix/Application.h>
#include <quickfix/FileStore.h>
#include <quickfix/Session.h>
#include <quickfix/SessionSettings.h>
#include <quickfix/SocketAcceptor.h>

namespace {

struct Order {
    FIX::SessionID owner;
    std::string order_id, cl_ord_id, symbol, side, price, time_in_force;
    int quantity = 0, filled = 0;
    std::string status = "0";

    int leaves() const { return status == "4" ? 0 : quantity - filled; }
};

std::string text_of(const FIX::FieldMap &fields, int tag, const std::string &otherwise = "") {
    return fields.isSetField(tag) ? fields.getField(tag) : otherwise;
}

bool crosses(const Order &taker, const Order &maker) {
    const double taken = std::stod(taker.price), made = std::stod(maker.price);
    const bool good = taker.side == "1" ? taken >= made : taken <= made;
    return good && taker.side != maker.side && taker.symbol == maker.symbol;
}

class Venue : public FIX::NullApplication {
  public:
    void fromApp(const FIX::Message &message, const FIX::SessionID &session) throw(
        FIX::FieldNotFound, FIX::IncorrectDataFormat, FIX::IncorrectTagValue,
        FIX::UnsupportedMessageType) override {
        const std::string type = message.getHeader().getField(FIX::FIELD::MsgType);
        if (type == "D") {
            enter(message, session);
        } else if (type == "F" || type == "G") {
            change(message, session, type);
        } else {
            throw FIX::UnsupportedMessageType();
        }
    }

  private:
    std::list<Order> orders;
    /* ClOrdID(11) of every report. */
    std::set<std::string> seen;
    int last_id = 0;

    void enter(const FIX::Message &message, const FIX::SessionID &session) {
        Order order;
        order.owner = session;
        order.order_id = next_id();
        order.cl_ord_id = message.getField(11);
        order.symbol = message.getField(55);
        order.side = message.getField(54);
        order.quantity = std::stoi(message.getField(38));
        order.price = text_of(message, 44, "0");
        order.time_in_force = text_of(message, 59, "0");
        if (order.symbol == "NOSUCH") {
            order.status = "8";
            FIX::Message refusal = report(order, "8");
            refusal.setField(103, "1");
            refusal.setField(151, "0");
            send(refusal, session);
            return;
        }
        send(report(order, "0"), session);
        match(order);
        if (order.leaves() > 0 && order.time_in_force == "3") {
            order.status = "4";
            send(report(order, "4"), session);
        }
        orders.push_back(order);
    }

    void match(Order &taker) {
        for (Order &maker : orders) {
            const int quantity = std::min(taker.leaves(), maker.leaves());
            if (quantity > 0 && crosses(taker, maker)) {
                fill(taker, quantity, maker.price);
                fill(maker, quantity, maker.price);
            }
        }
    }

    void fill(Order &order, int quantity, const std::string &price) {
        order.filled += quantity;
        order.status = order.filled == order.quantity ? "2" : "1";
        FIX::Message trade = report(order, "F");
        trade.setField(31, price);
        trade.setField(32, std::to_string(quantity));
        trade.setField(6, price);
        send(trade, order.owner);
    }

    void change(const FIX::Message &message, const FIX::SessionID &session,
                const std::string &type) {
        const std::string orig = message.getField(41);
        for (Order &order : orders) {
            if (order.cl_ord_id == orig && order.owner == session && order.leaves() > 0) {
                order.cl_ord_id = message.getField(11);
                if (type == "F") {
                    order.status = "4";
                } else {
                    order.quantity = std::stoi(message.getField(38));
                    order.price = message.getField(44);
                }
                FIX::Message answer = report(order, type == "F" ? "4" : "5");
                answer.setField(41, orig);
                send(answer, session);
                return;
            }
        }
        refuse(message, session, type, orig);
    }

    void refuse(const FIX::Message &message, const FIX::SessionID &session,
                const std::string &type, const std::string &orig) {
        /* What is known and has nothing left was cancelled or filled. */
        const bool known = seen.count(orig) > 0;
        FIX::Message refusal = named("9");
        refusal.setField(37, "NONE");
        refusal.setField(11, message.getField(11));
        refusal.setField(41, orig);
        refusal.setField(39, known ? "4" : "8");
        refusal.setField(434, type == "F" ? "1" : "2");
        refusal.setField(102, known ? "0" : "1");
        send(refusal, session);
    }

    FIX::Message report(const Order &order, const std::string &exec_type) {
        FIX::Message message = named("8");
        seen.insert(order.cl_ord_id);
        message.setField(37, order.order_id);
        message.setField(17, next_id());
        message.setField(150, exec_type);
        message.setField(39, order.status);
        message.setField(11, order.cl_ord_id);
        message.setField(55, order.symbol);
        message.setField(54, order.side);
        message.setField(38, std::to_string(order.quantity));
        message.setField(44, order.price);
        message.setField(59, order.time_in_force);
        message.setField(151, std::to_string(order.leaves()));
        message.setField(14, std::to_string(order.filled));
        message.setField(6, "0");
        return message;
    }

    static FIX::Message named(const std::string &type) {
        FIX::Message message;
        message.getHeader().setField(FIX::FIELD::BeginString, "FIX.4.4");
        message.getHeader().setField(FIX::FIELD::MsgType, type);
        return message;
    }

    static void send(FIX::Message message, const FIX::SessionID &session) {
        FIX::Session::sendToTarget(message, session);
    }

    std::string next_id() { return std::to_string(++last_id); }
};

} // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        std::cerr << "usage: quickfix_acceptor SETTINGS\n";
        return 2;
    }
    try {
        FIX::SessionSettings settings(argv[1]);
        Venue venue;
        FIX::FileStoreFactory stores(settings);
        FIX::SocketAcceptor acceptor(venue, stores, settings);
        acceptor.start();
        std::cout << "listening\n" << std::flush;
        std::string line;
        while (std::getline(std::cin, line)) {
        }
        acceptor.stop(true);
    } catch (const std::exception &error) {
        std::cerr << "quickfix_acceptor: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
