// Package conformance holds the local AWS to the real one. The tables in testdata say,
// call by call, what AWS answers to its own Go SDK; the tests make those calls of the
// local AWS, of moto where it is installed, and, when asked to, of any endpoint or a real
// account:
//
//	make conformance
//	make conformance TARGET=env
//
// At what TARGET=env finds in the environment, everything made has a name that begins with
// "conformance-" and is removed when its scene ends; nothing else is touched.
//
// The local AWS must answer as the tables say. Where moto does not, the table gives the
// reason why the table is right; a reason that is no longer needed is a failure, too. The
// reasons are those of moto 5.2.1.
//
// # The tables
//
// There is one file for each service. It consists of scenes, which are independent of
// each other and start on nothing that another made, and a scene of steps:
//
//	== Keys
//
//	A second key with the same value is refused.
//	    CreateApiKey {"Name": "$prefix-second", "Value": "$value"}
//	    -> ConflictException 409: API Key already exists
//
// A call is an operation of the SDK with the members of its input, "kms:ListKeys" one of
// another service's. What follows the arrow is either an error, its code and HTTP status
// and, where clients read those, its message or further members, or the members of the
// output that matter:
//
//   - Of a structure the members that are named are compared, of a map and a list all,
//     unless a map names "…". null is a member that is absent or empty.
//   - $name is what an earlier answer held there. A name that is new takes what it finds.
//     Known from the start are $prefix, which the names of all that is made begin with,
//     $account, $region, $random (24 letters and digits), $now, $today and $yesterday.
//   - "<any>" is any value, a list that begins with "<in any order>" has no order, and
//     {"<JSON>": …} is text that holds JSON. ${300 x} is x 300 times, and
//     {"<11 times>": …} a list of eleven; in both $i counts.
//
// A step that begins with "eventually" is repeated until it is answered as it should be.
// "moto:" below a step says why moto answers something else, below a scene's title why
// moto cannot play it at all. "real:" says why a scene is not for a real account unless
// -all asks for it.
package conformance
