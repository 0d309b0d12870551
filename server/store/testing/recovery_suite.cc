// Recovery jobs.
#include "absl/strings/str_cat.h"
#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Makes jobs and runs them.
class Jobs {
 public:
  explicit Jobs(Store* store) : store_(*store) {}

  RecoveryJob Job(int64_t webhook_uid = 0) {
    RecoveryJob job;
    job.tenant = kDefaultTenant;
    job.id = absl::StrCat("0190a000-0000-7000-a000-", 100'000'000'000 + ++made_);
    job.webhook_uid = webhook_uid;
    job.create_time = absl::FromUnixSeconds(1'767'225'000);
    return job;
  }
  RecoveryJob Create(RecoveryJob job) {
    const auto created = Apply(CreateRecoveryJob{std::move(job)});
    EXPECT_EQ(created.status, absl::OkStatus());
    return created.job;
  }
  Applied<StepRecoveryJob> Step(const RecoveryJob& job, absl::Time now, int limit) {
    StepRecoveryJob step;
    step.tenant = job.tenant;
    step.id = job.id;
    step.now = now;
    step.limit = limit;
    return Apply(std::move(step));
  }
  // To its end.
  RecoveryJob Run(const RecoveryJob& job, absl::Time now, int limit = 1000) {
    for (int steps = 0; steps < 1000; ++steps) {
      const auto step = Step(job, now, limit);
      EXPECT_EQ(step.status, absl::OkStatus());
      if (step.job.state != RecoveryJobState::kRunning) return step.job;
    }
    ADD_FAILURE() << "the job does not end";
    return job;
  }
  template <typename M>
  Applied<M> Apply(const M& mutation) {
    return ApplyTo(store_, mutation);
  }
  std::vector<int64_t> Pending(WebhookKey webhook) {
    DeliveryFilter filter;
    filter.webhook_uid = webhook.uid;
    filter.state = DeliveryState::kPending;
    std::vector<int64_t> numbers;
    const auto page = store_.ListDeliveries(webhook.tenant, filter, {}, 1000);
    EXPECT_EQ(page.status(), absl::OkStatus());
    for (const PendingDelivery& each : page->deliveries) {
      numbers.insert(numbers.begin(), each.delivery.key.event_number);
    }
    return numbers;
  }

 private:
  Store& store_;
  int64_t made_ = 0;
};

TEST_P(StoreConformanceTest, RecoveryJobsComeBackExactly) {
  Jobs jobs(&store());
  const WebhookKey webhook = MakeWebhook();
  Publish({{}, {}}, {webhook});
  RecoveryJob job = jobs.Job(webhook.uid);
  job.states = {DeliveryState::kSucceeded, DeliveryState::kExpired};
  job.created_from = now_ - absl::Hours(1);
  job.created_before = now_ + absl::Hours(1);
  job.event_match = {"door.*", "panel-1", "door-1"};
  const RecoveryJob first = jobs.Create(job);
  EXPECT_EQ(first.number, 1);
  EXPECT_EQ(first.last_number, 2);
  EXPECT_EQ(first.state, RecoveryJobState::kRunning);
  EXPECT_EQ(first.end_time, absl::InfiniteFuture());
  const RecoveryJob second = jobs.Create(jobs.Job());
  EXPECT_EQ(second.number, 2);

  Reopen();
  EXPECT_EQ(Describe(*store().GetRecoveryJob(kDefaultTenant, first.id)), Describe(first));
  const auto all = store().ListRecoveryJobs(kDefaultTenant, 0, 10);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(Describe(all->at(0)), Describe(second));
  EXPECT_EQ(Describe(all->at(1)), Describe(first));
  EXPECT_EQ(store().ListRecoveryJobs(kDefaultTenant, 2, 10)->at(0).number, 1);
  EXPECT_EQ(store().ListRecoveryJobs(kDefaultTenant, 0, 1)->size(), 1u);
  EXPECT_THAT(*store().ListRecoveryJobs(2, 0, 10), IsEmpty());
  EXPECT_EQ(store().LoadRunningRecoveryJobs()->size(), 2u);
  EXPECT_THAT(store().GetRecoveryJob(2, first.id).status(), HasReason("RECOVERY_JOB_NOT_FOUND"));
  Jobs reopened(&store());
  EXPECT_THAT(reopened.Apply(CreateRecoveryJob{reopened.Job(77)}).status,
              HasReason("WEBHOOK_NOT_FOUND"));
}

TEST_P(StoreConformanceTest, ARecoveryJobMakesPendingWhatFits) {
  Jobs jobs(&store());
  const WebhookKey webhook = MakeWebhook();
  const WebhookKey other = MakeWebhook(WebhookOrdering::kBySubject);
  AppendPublished append = Publishing({{}, {}, {}, {}, {}}, {webhook, other});
  append.events[3].targets[0].expire_time = now_ + absl::Seconds(1);
  Apply(append);
  Record(OutcomeOf({webhook, 1}, 1, DeliveryState::kDead));
  Record(OutcomeOf({webhook, 2}, 1, DeliveryState::kSucceeded));
  Record(OutcomeOf({webhook, 3}, 1, DeliveryState::kPending, absl::Hours(1)));
  Record(OutcomeOf({webhook, 4}, 0, DeliveryState::kExpired));
  Record(OutcomeOf({webhook, 5}, 1, DeliveryState::kDead));
  for (int64_t number = 1; number <= 5; ++number) {
    Record(OutcomeOf({other, number}, 1, DeliveryState::kDead));
  }
  const RecoveryJob job = jobs.Create(jobs.Job(webhook.uid));
  Publish({{}}, {webhook});  // not its business
  Record(OutcomeOf({webhook, 6}, 1, DeliveryState::kDead));

  now_ += absl::Minutes(5);
  const auto step = jobs.Step(job, now_, 1000);
  EXPECT_EQ(step.job.state, RecoveryJobState::kSucceeded);
  EXPECT_EQ(step.job.examined_count, 5);
  EXPECT_EQ(step.job.recovered_count, 2);
  EXPECT_EQ(step.job.end_time, now_);
  EXPECT_THAT(step.webhooks, ElementsAre(webhook));
  ASSERT_EQ(step.stats.size(), 1u);
  EXPECT_EQ(step.stats[0].key, webhook);
  EXPECT_EQ(step.stats[0].pending, 3);
  EXPECT_EQ(store().LoadStats({}, 10)->at(0), step.stats[0]);
  EXPECT_EQ(Describe(*store().GetRecoveryJob(kDefaultTenant, job.id)), Describe(step.job));
  EXPECT_THAT(*store().LoadRunningRecoveryJobs(), IsEmpty());
  EXPECT_THAT(DueNumbers(webhook), ElementsAre(1, 5));
  const Delivery recovered = DeliveryAt({webhook, 1});
  EXPECT_EQ(recovered.state, DeliveryState::kPending);
  EXPECT_EQ(recovered.due_time, now_);
  EXPECT_EQ(recovered.retry_time, now_);
  EXPECT_EQ(recovered.failure_count, 0);
  EXPECT_EQ(recovered.attempt_count, 1);
  EXPECT_EQ(DeliveryAt({webhook, 3}).due_time, now_ - absl::Minutes(5) + absl::Hours(1));

  // A job that is over is left as it is.
  EXPECT_EQ(Describe(jobs.Step(job, now_ + absl::Hours(1), 1000).job), Describe(step.job));

  RecoveryJob states = jobs.Job(webhook.uid);
  states.states = {DeliveryState::kExpired, DeliveryState::kSucceeded};
  EXPECT_EQ(jobs.Run(jobs.Create(states), now_).recovered_count, 2);
  EXPECT_EQ(DeliveryAt({webhook, 4}).expire_time, absl::InfiniteFuture());
  EXPECT_THAT(DueNumbers(webhook), ElementsAre(1, 2, 4, 5));

  EXPECT_EQ(jobs.Run(jobs.Create(jobs.Job()), now_).recovered_count, 6);  // of every webhook
  EXPECT_THAT(jobs.Pending(other), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(store().LoadHeads(other, now_, 10, {})->deliveries.size(), 1u);
}

TEST_P(StoreConformanceTest, ARecoveryJobGoesByTimeAndByEvent) {
  Jobs jobs(&store());
  const WebhookKey webhook = MakeWebhook();
  for (int64_t number = 1; number <= 6; ++number) {
    const bool odd = number % 2 == 1;
    PublishOne({"", odd ? "door.opened" : "card.read", "panel-1", absl::StrCat("door-", number)},
               {webhook});
    Record(OutcomeOf({webhook, number}, 1, DeliveryState::kDead));
    now_ += absl::Minutes(2);
  }
  RecoveryJob times = jobs.Job(webhook.uid);
  times.created_from = kNow + absl::Minutes(4);
  times.created_before = kNow + absl::Minutes(8);
  EXPECT_EQ(jobs.Run(jobs.Create(times), now_).recovered_count, 2);
  EXPECT_THAT(jobs.Pending(webhook), ElementsAre(3, 4));

  RecoveryJob types = jobs.Job(webhook.uid);
  types.event_match.type_pattern = "door.*";
  EXPECT_EQ(jobs.Run(jobs.Create(types), now_).recovered_count, 2);
  EXPECT_THAT(jobs.Pending(webhook), ElementsAre(1, 3, 4, 5));

  RecoveryJob subjects = jobs.Job(webhook.uid);
  subjects.event_match.subject = "door-6";
  EXPECT_EQ(jobs.Run(jobs.Create(subjects), now_).recovered_count, 1);

  RecoveryJob later = jobs.Job(webhook.uid);
  later.created_from = now_ + absl::Hours(1);
  EXPECT_EQ(jobs.Run(jobs.Create(later), now_).recovered_count, 0);
  EXPECT_THAT(jobs.Pending(webhook), ElementsAre(1, 3, 4, 5, 6));
}

TEST_P(StoreConformanceTest, ARecoveryJobGoesOnInSmallStepsWhateverHappensMeanwhile) {
  Jobs jobs(&store());
  const WebhookKey first = MakeWebhook();
  const WebhookKey deleted = MakeWebhook();
  const WebhookKey quiet = MakeWebhook();
  const WebhookKey last = MakeWebhook();
  Publish(std::vector<EventSpec>(10), {first, deleted, last});
  for (const WebhookKey& webhook : {first, deleted, last}) {
    for (int64_t number = 1; number <= 10; ++number) {
      Record(OutcomeOf({webhook, number}, 1, DeliveryState::kDead));
    }
  }
  const RecoveryJob job = jobs.Create(jobs.Job());
  int64_t examined = 0;
  for (int i = 0; i < 3; ++i) {
    const auto step = jobs.Step(job, now_, 4);
    EXPECT_EQ(step.job.state, RecoveryJobState::kRunning);
    EXPECT_LE(step.job.examined_count, examined + 4);
    EXPECT_GT(step.job.examined_count, examined);
    examined = step.job.examined_count;
    ASSERT_EQ(store().LoadRunningRecoveryJobs()->size(), 1u);
    EXPECT_EQ(Describe(store().LoadRunningRecoveryJobs()->at(0)), Describe(step.job));
  }
  Apply(DeleteWebhook{deleted});
  Reopen();
  Jobs again(&store());
  const RecoveryJob done = again.Run(job, now_, 4);
  EXPECT_EQ(done.state, RecoveryJobState::kSucceeded);
  EXPECT_THAT(again.Pending(first).size(), 10u);
  EXPECT_THAT(again.Pending(last).size(), 10u);
  EXPECT_THAT(again.Pending(quiet), IsEmpty());
  EXPECT_THAT(DueNumbers(deleted), IsEmpty());
  EXPECT_GE(done.recovered_count, 20);
  EXPECT_LE(done.recovered_count, 22);  // two of the deleted one's, before it was
}

TEST_P(StoreConformanceTest, ACancelledRecoveryJobStops) {
  Jobs jobs(&store());
  const WebhookKey webhook = MakeWebhook();
  Publish(std::vector<EventSpec>(10), {webhook});
  for (int64_t number = 1; number <= 10; ++number) {
    Record(OutcomeOf({webhook, number}, 1, DeliveryState::kDead));
  }
  const RecoveryJob job = jobs.Create(jobs.Job(webhook.uid));
  const RecoveryJob halfway = jobs.Step(job, now_, 5).job;
  CancelRecoveryJob cancel{kDefaultTenant, job.id, now_ + absl::Seconds(1)};
  const auto cancelled = Apply(cancel);
  EXPECT_EQ(cancelled.status, absl::OkStatus());
  EXPECT_EQ(cancelled.job.state, RecoveryJobState::kCancelled);
  EXPECT_EQ(cancelled.job.end_time, now_ + absl::Seconds(1));
  EXPECT_EQ(cancelled.job.recovered_count, halfway.recovered_count);
  EXPECT_EQ(Describe(jobs.Step(job, now_, 5).job), Describe(cancelled.job));
  EXPECT_EQ(static_cast<int64_t>(jobs.Pending(webhook).size()), halfway.recovered_count);
  EXPECT_THAT(*store().LoadRunningRecoveryJobs(), IsEmpty());
  EXPECT_THAT(Apply(cancel).status, HasReason("RECOVERY_JOB_STATE"));
  cancel.id = "0190a000-0000-7000-a000-000000000000";
  EXPECT_THAT(Apply(cancel).status, HasReason("RECOVERY_JOB_NOT_FOUND"));
  StepRecoveryJob step;
  step.tenant = 2;
  step.id = job.id;
  EXPECT_THAT(Apply(step).status, HasReason("RECOVERY_JOB_NOT_FOUND"));
}

TEST_P(StoreConformanceTest, ATenantRunsSoManyRecoveryJobsAtOnce) {
  Jobs jobs(&store());
  RecoveryJob last;
  for (size_t i = 0; i < kMaxRunningRecoveryJobs; ++i) last = jobs.Create(jobs.Job());
  const auto refused = Apply(CreateRecoveryJob{jobs.Job()});
  EXPECT_THAT(refused.status, HasReason("QUOTA_EXCEEDED"));
  EXPECT_EQ(refused.job.number, 0);
  RecoveryJob elsewhere = jobs.Job();
  elsewhere.tenant = 2;
  EXPECT_EQ(Apply(CreateRecoveryJob{elsewhere}).status, absl::OkStatus());
  jobs.Run(last, now_);
  EXPECT_EQ(jobs.Create(jobs.Job()).number, static_cast<int64_t>(kMaxRunningRecoveryJobs) + 1);
}

}  // namespace
}  // namespace latchwire
