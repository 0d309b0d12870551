// The bare limit: the work of one durable delivery with no product around it. A writer thread
// stores 1 KiB events with their deliveries in SQLite (WAL, synchronous=FULL, group commit); the
// main thread posts each over kept-alive connections; the writer records outcome and attempt.
// Latchwire's speed is given as a ratio to this.
//
// usage: bench-limit EVENTS CONNECTIONS SINK_PORT BATCH DATABASE_FILE
// Prints deliveries per second.
// clang-format off
#include <utility>  // before Asio, whose awaitable.hpp of 1.74 forgets it
// clang-format on

#include <sqlite3.h>

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

void Check(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "bench-limit: %s\n", what);
  std::abort();
}

// What the two threads share.
struct Exchange {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<int> sent;  // answered, to be recorded
  int outstanding = 0;    // stored, not answered
};

class Connection;

class Sender {
 public:
  Sender(Exchange* exchange, int connections, uint16_t port);
  void Enqueue(std::vector<int> ids) {
    asio::post(io_, [this, ids = std::move(ids)] {
      ready_.insert(ready_.end(), ids.begin(), ids.end());
      Pump();
    });
  }
  void Answered(Connection* connection, int id);
  void Run() { io_.run(); }
  void Stop() { io_.stop(); }
  asio::io_context& io() { return io_; }

 private:
  void Pump();

  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  Exchange* const exchange_;
  std::deque<int> ready_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> idle_;
};

class Connection {
 public:
  Connection(Sender* sender, uint16_t port)
      : sender_(sender), socket_(sender->io()), deadline_(sender->io()) {
    socket_.connect({asio::ip::address_v4::loopback(), port});
    socket_.set_option(tcp::no_delay(true));
    request_.set(http::field::host, "127.0.0.1");
    request_.set(http::field::content_type, "application/json");
    request_.set("webhook-id", "0190163d-8694-739b-aea5-966c26f8ad91.kq3v9x2mfw1c");
    request_.set("webhook-timestamp", "1700000000");
    request_.set("webhook-signature", "v1,ceVhZtV3wbUUGSu9mpVr3QpNhJHXqUmRQn4T7JKZM0k=");
    request_.body() = std::string(1024, 'x');
    request_.prepare_payload();
  }

  void Send(int id) {
    deadline_.expires_after(std::chrono::seconds(15));
    deadline_.async_wait([](boost::system::error_code) {});
    http::async_write(socket_, request_, [this, id](boost::system::error_code error, size_t) {
      Check(!error, "write failed");
      response_.emplace();
      http::async_read(
          socket_, buffer_, *response_, [this, id](boost::system::error_code read, size_t) {
            Check(!read && response_->get().result_int() == 200, "no 200 from the sink");
            deadline_.cancel();
            sender_->Answered(this, id);
          });
    });
  }

 private:
  Sender* const sender_;
  tcp::socket socket_;
  asio::steady_timer deadline_;
  boost::beast::flat_buffer buffer_;
  http::request<http::string_body> request_{http::verb::post, "/hook", 11};
  std::optional<http::response_parser<http::string_body>> response_;
};

Sender::Sender(Exchange* exchange, int connections, uint16_t port) : exchange_(exchange) {
  for (int i = 0; i < connections; ++i) {
    connections_.push_back(std::make_unique<Connection>(this, port));
    idle_.push_back(connections_.back().get());
  }
}

void Sender::Pump() {
  while (!idle_.empty() && !ready_.empty()) {
    Connection* connection = idle_.back();
    idle_.pop_back();
    connection->Send(ready_.front());
    ready_.pop_front();
  }
}

void Sender::Answered(Connection* connection, int id) {
  {
    std::lock_guard<std::mutex> lock(exchange_->mutex);
    exchange_->sent.push_back(id);
    --exchange_->outstanding;
  }
  exchange_->changed.notify_one();
  idle_.push_back(connection);
  Pump();
}

class Database {
 public:
  explicit Database(const char* path) {
    Check(sqlite3_open(path, &db_) == SQLITE_OK, "cannot open the database");
    Execute(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000;"
        "PRAGMA cache_size=-65536;"
        "CREATE TABLE event(id INTEGER PRIMARY KEY, tenant INT, type TEXT, payload BLOB, time INT);"
        "CREATE TABLE delivery(id INTEGER PRIMARY KEY, event INT, webhook INT, state INT, due INT, "
        "attempts INT);"
        "CREATE INDEX delivery_due ON delivery(webhook, due) WHERE state = 0;"
        "CREATE TABLE attempt(id INTEGER PRIMARY KEY, delivery INT, time INT, status INT, ms INT, "
        "response BLOB);");
    event_ = Prepare("INSERT INTO event VALUES(?1, 1, 'access.granted', ?2, ?1)");
    delivery_ = Prepare("INSERT INTO delivery VALUES(?1, ?1, 1, 0, ?1, 0)");
    outcome_ = Prepare("UPDATE delivery SET state = 1, attempts = 1 WHERE id = ?1");
    attempt_ = Prepare("INSERT INTO attempt VALUES(?1, ?1, ?1, 200, 3, 'ok')");
    sqlite3_bind_blob(event_, 2, payload_.data(), static_cast<int>(payload_.size()), SQLITE_STATIC);
  }
  void Execute(const char* sql) {
    Check(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK, sqlite3_errmsg(db_));
  }
  void Store(int id) { Run(event_, id), Run(delivery_, id); }
  void Record(int id) { Run(outcome_, id), Run(attempt_, id); }

 private:
  sqlite3_stmt* Prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    Check(sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr) == SQLITE_OK, sqlite3_errmsg(db_));
    return statement;
  }
  void Run(sqlite3_stmt* statement, int id) {
    sqlite3_bind_int(statement, 1, id);
    Check(sqlite3_step(statement) == SQLITE_DONE, sqlite3_errmsg(db_));
    sqlite3_reset(statement);
  }

  sqlite3* db_ = nullptr;
  const std::string payload_ = std::string(1024, 'x');
  sqlite3_stmt *event_ = nullptr, *delivery_ = nullptr, *outcome_ = nullptr, *attempt_ = nullptr;
};

void WriteAll(Database* database, Exchange* exchange, Sender* sender, int events, int batch) {
  int next = 1;
  int recorded = 0;
  while (recorded < events) {
    std::vector<int> sent;
    bool room = false;
    {
      std::unique_lock<std::mutex> lock(exchange->mutex);
      exchange->changed.wait(lock, [&] {
        room = next <= events && exchange->outstanding < batch;
        return room || !exchange->sent.empty();
      });
      sent.swap(exchange->sent);
    }
    database->Execute("BEGIN IMMEDIATE");
    for (const int id : sent) database->Record(id);
    std::vector<int> stored;
    for (int i = 0; room && i < batch && next <= events; ++i, ++next) {
      database->Store(next);
      stored.push_back(next);
    }
    database->Execute("COMMIT");
    recorded += static_cast<int>(sent.size());
    if (stored.empty()) continue;
    {
      std::lock_guard<std::mutex> lock(exchange->mutex);
      exchange->outstanding += static_cast<int>(stored.size());
    }
    sender->Enqueue(std::move(stored));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: bench-limit EVENTS CONNECTIONS SINK_PORT BATCH DATABASE_FILE\n");
    return 2;
  }
  const int events = std::atoi(argv[1]);
  Exchange exchange;
  Sender sender(&exchange, std::atoi(argv[2]), static_cast<uint16_t>(std::atoi(argv[3])));
  Database database(argv[5]);
  const auto start = std::chrono::steady_clock::now();
  std::thread writer([&] {
    WriteAll(&database, &exchange, &sender, events, std::atoi(argv[4]));
    sender.Stop();
  });
  sender.Run();
  writer.join();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  std::printf("%.0f\n", events / elapsed.count());
}
