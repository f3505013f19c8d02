// Package alarms tells operators that something needs them, through an SNS topic and a webhook of
// theirs.
//
// A job looks at every condition once a minute and keeps what it sees in a row for each alarm:
//
//	          fires            for After             quiet          for Clear
//	quiet ──────────▶ pending ──────────▶ raised ──────────▶ clearing ──────────▶ quiet
//	  ▲                  │                   ▲                   │
//	  └──────────────────┘                   └───────────────────┘
//	         quiet                                   fires
//
// Each time that an alarm is raised is an episode. A channel is told once when an episode begins,
// again every 24 hours while it lasts, or after an hour if there is twice as much, and once when it is
// over. The row has what each channel was told last. All writes of a row are conditional on its
// version, so two workers that look at the same time tell a channel once.
//
// Before a worker sends, it writes down that it sends, and afterwards that it has sent. If it
// stops in between, another worker sends the same message again two minutes later, with the same
// id. So a channel may get that one message twice, and no other.
package alarms
