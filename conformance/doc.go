// Package conformance checks the local AWS against the answers of the real one. The tables in
// testdata list calls of AWS's Go SDK and what AWS answers. The tests make these calls to the
// local AWS, to moto if it is installed, and, if asked to, to the AWS that the environment
// names, which may be a real account:
//
//	make conformance
//	make conformance FLAGS='-target env'
//
// With -target env, the names of everything created begin with "conformance-". Each scene
// removes what it created, and nothing else is touched.
//
// The local AWS must answer as the tables say. Where moto 5.2.1 answers otherwise, the table
// says why the table is right. A reason that is no longer needed fails the test.
//
// # The tables
//
// There is one file for each service, with independent scenes of steps:
//
//	== Keys
//
//	A second key with the same value is refused.
//	    CreateApiKey {"Name": "$prefix-second", "Value": "$value"}
//	    -> ConflictException 409: API Key already exists
//
// A call is an operation of the SDK and the members of its input; "kms:ListKeys" is another
// service's. After the arrow come the members of the output that matter, or an error: its code
// and HTTP status and, if clients read them, its message or other members.
//
//   - Of a structure, only the members named are compared. Maps and lists are compared whole,
//     unless the map names "…". null is a member that is absent or empty.
//   - $name is a value from an earlier answer. A new name takes the value at its place. Known
//     from the start are $prefix, which the names of everything created begin with, $account,
//     $region, $random (24 hexadecimal digits), $now, $today and $yesterday.
//   - "<any>" is any value. A list that begins with "<in any order>" has no order.
//     {"<JSON>": …} is a string that holds JSON. ${300 x} is x 300 times, and {"<11 times>": …}
//     is a list of eleven; in both, $i counts from 1.
//
// A step that begins with "eventually" is repeated until the answer matches. "moto:" below a
// step says why moto answers otherwise, and below a title why moto cannot play the scene.
// "real:" says why a real account plays the scene only with -all.
package conformance
