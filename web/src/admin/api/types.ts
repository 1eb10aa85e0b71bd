/** The answers of the admin interface, from `longwire/admin/views.py`: see `make generated`. */

/** An action of an operator, as the audit log has it. */
export interface Action {
  /** `disconnect`, `revoke`, `reinstate`, `announce`, or a name of the application. */
  action: string;
  /** The operator: the user of the token, or a name that the application gives. */
  by: string;
  /** When, in milliseconds since the Unix epoch, by the clock of the log. */
  at?: number;
  /** The user it concerns, if it concerns one. */
  user?: string;
  /** The room it concerns. */
  room?: string;
  /** The public id of the connection it concerns. */
  connection?: string;
  /** The id of the token it concerns (`jti`). */
  tokenId?: string;
  /** For `revoke`: only tokens issued before, in seconds since the epoch. */
  issuedBefore?: number;
  /** For `announce`: the text; otherwise details for a person. */
  message?: string;
}

/** `/audit`: the newest actions of operators, newest first. */
export interface AuditView {
  actions: Action[];
}

/**
 * The newest reports of the connected clients of one library, version and transport.
 *
 * Clients send them if they opted in (`client:health`). Counts are since the clients were created.
 */
export interface ClientReports {
  /** The library; empty in the row of all combinations beyond the first 50. */
  client: string;
  /** Its version; empty in that row. */
  version: string;
  /** The transport; None in that row, or if a client did not name it. */
  transport: string | null;
  /** How many clients reported. */
  reports: number;
  /** How many of them have each quality. */
  quality: Record<string, number>;
  /** Connections that they lost. */
  drops: number;
  /** Connections that followed a lost one. */
  reconnects: number;
  /** Rooms that continued at their position. */
  resumed: number;
  /** Rooms that had to be read again: these readers may have lost entries. */
  reset: number;
  /** Median of their median round trips. */
  roundTripMs: number | null;
  /** Median of their median times from a loss to the next connection. */
  recoveryMs: number | null;
}

/** A client that is signed in. */
export interface Connection {
  /** The public id of the connection. */
  id: string;
  /** The user. */
  user: string;
  /** Whether it is a service. */
  isService: boolean;
  /** The node it is connected to. */
  node: string;
  /** `websocket` or `polling`. */
  transport: string;
  /** Its address, with the host part masked. */
  address: string;
  /** The fingerprint that it was built for, if that is not the server's. */
  contract: string | null;
  /** When it signed in. */
  since: number;
  /** Seconds of the newest heartbeat; None before the first. */
  roundTrip: number | null;
  /** How many rooms it is in. */
  rooms: number;
  /** Entries that it is behind, in its worst room. */
  lag: number;
  /** `stalled` if its transport is full, `lagging` if it is behind in a room. */
  state: "lagging" | "ok" | "stalled";
}

/** `/connections/{id}`: one connection. */
export interface ConnectionView {
  /** The connection. */
  connection: Connection;
  /** Its place in each of its rooms, the worst first; at most 500. */
  cursors: Cursor[];
  /** The newest 200 operations since an operator opened this view, newest first. */
  operations: Operation[];
  /** When its token expires; None if it does not. */
  tokenExpiresAt: number | null;
}

/** `/connections`: one page, and how many there are in all that match. */
export interface ConnectionsView {
  connections: Connection[];
  total: number;
  missing: string[];
}

/** A consumer as this node sees it; counts begin with the start of the server. */
export interface ConsumerStatus {
  /** The name of the consumer. */
  name: string;
  /** The wire names of the events that it receives. */
  events: string[];
  /** How many of its shares this node works on. */
  shards: number;
  /** How many shares there are on all nodes together. */
  totalShards: number;
  /** Rooms that may have unread events, those that wait for another attempt included. */
  waiting: number;
  /** Events that were handled here. */
  handled: number;
  /** Attempts that failed here. */
  failed: number;
  /** Events that are parked now, on all nodes. */
  parked: number;
  /** How often the log of a room had dropped entries before they were read. */
  overtaken: number;
  /** How often the log of a room was replaced, so that it was read from its start. */
  restarted: number;
}

/** `/consumers`: the consumers, and the newest parked events; at most `limit`. */
export interface ConsumersView {
  consumers: ConsumerStatus[];
  parked: Parked[];
  total: number;
}

/** Clients that were built for one contract. */
export interface ContractVersion {
  fingerprint: string;
  isServer: boolean;
  connections: number;
  signIns: number;
}

/** `/contracts`: clients by contract, and the effective options with secrets left out. */
export interface ContractsView {
  versions: ContractVersion[];
  options: Record<string, unknown>;
}

/** How far a connection has read a room. */
export interface Cursor {
  room: string;
  offset: number;
  end: number;
  lag: number;
  isLive: boolean;
}

/** How connections of one node fare. */
export interface HealthRow {
  /** The node. */
  node: string;
  /** Sign-ins since it started. */
  signedIn: number;
  /** Refused sign-ins by error code. */
  refused: Record<string, number>;
  /** Ended connections by reason. */
  closed: Record<string, number>;
  /** Joins that continued at their position. */
  resumes: number;
  /** Joins whose position was gone: those readers may have lost entries. */
  resets: number;
  /** Seconds by which its event loop is late. */
  loopDelay: number;
  /** Seconds that the broker takes to answer. */
  brokerDelay: number | null;
  /** Median seconds of the newest heartbeat of its connections. */
  roundTripP50: number | null;
  /** The 99th percentile of the same. */
  roundTripP99: number | null;
  /** Members of rooms that are behind. */
  lagging: number;
  /** The reports of its clients, most clients first. */
  reports: ClientReports[];
}

/** `/health`: which connections cannot stay, what they lost, and whose fault it is. */
export interface HealthView {
  nodes: HealthRow[];
  missing: string[];
}

/** A file or page that a job has produced. */
export interface JobArtifact {
  /** Its kind; the application chooses the values. */
  type: string;
  /** Its URL. */
  url: string;
  /** Its display name. */
  name: string;
}

/** The result of a completed job. */
export interface JobResult {
  /** A text that the job has produced. */
  content?: string;
  /** Figures; the application chooses the names. */
  metrics?: Record<string, unknown>;
  /** Files and pages that the job has produced. */
  artifacts?: JobArtifact[];
}

/** The state of a job. Members are None while no event has set them. */
export interface JobState {
  /** The job's id. */
  jobId: string;
  /** The job's status. */
  status: JobStatus;
  /** The job's name for people. */
  title?: string | null;
  /** The id of the user whose job it is; None if it has no owner. */
  owner?: string | null;
  /** The number of the current run, from 1. */
  attempt: number;
  /** Percent, 0 to 100. */
  progress?: number | null;
  /** The current activity, or the last message of a status. */
  currentStep?: string | null;
  /** The newest `MAX_OUTPUT_CHUNKS` chunks of the streamed text. */
  output: OutputChunk[];
  /** Whether older chunks were dropped. */
  outputTruncated: boolean;
  /** Whether the newest output was marked as the end of its text. */
  outputComplete: boolean;
  /** The result of a completed job. */
  result?: JobResult | null;
  /** Why the job failed, for people. */
  error?: string | null;
  /** Why the job failed, for programs. */
  errorCode?: string | null;
  /** Whether the same work may succeed another time. */
  retryable?: boolean | null;
  /** What the job cost, in the application's unit. */
  cost?: number | null;
  /** How many seconds the job ran. */
  duration?: number | null;
  /** Seconds until the job is expected to end. */
  estimatedCompletion?: number | null;
  /** Seconds without any event after which the worker counts as lost. */
  lease?: number | null;
  /** Whether the job was asked to stop. */
  cancelRequested: boolean;
  /** When the attempt began, in milliseconds since the Unix epoch. */
  createdAt?: number | null;
  /** The time of the newest event, in milliseconds since the Unix epoch. */
  updatedAt?: number | null;
  /** Whether the status is terminal. */
  isComplete: boolean;
  /** Whether the status is running. */
  isRunning: boolean;
}

/** The status of a job; completed, failed and cancelled are final. */
export type JobStatus = "cancelled" | "completed" | "failed" | "queued" | "running";

/** `/jobs`: one page of jobs without their output and result, and how many match in all. */
export interface JobsView {
  jobs: JobState[];
  total: number;
}

/** An entry of a log, or a frame of several, as a late joiner would receive it. */
export interface LogEntry {
  /** The first offset that it stands for. */
  first: number;
  /** The last one. */
  last: number;
  /** The event's name. */
  event: string;
  /** Entries with the same slot replace or join each other. */
  slot: string | null;
  /** When the newest of its entries was appended. */
  at: number;
  /** Bytes of the payload. */
  size: number;
  /** The payload, as the rule of the application shows it; None if the rule hides it, or if it is too long to show. */
  payload: unknown;
}

/** `/trace?room=…&offset=…`: where one message is. */
export interface MessageView {
  /** The room. */
  room: string;
  /** The offset of the message. */
  offset: number;
  /** `retained` in the log; `merged` if another entry stands for it, or retention has dropped it; `gone` if the log has nothing after it; or `not_yet` published. */
  state: "gone" | "merged" | "not_yet" | "retained";
  /** The entry that stands for it, if it is `retained` or `merged`. */
  entry: LogEntry | null;
  /** Readers that have passed it. */
  delivered: number;
  /** Readers that have yet to receive it, the last first; at most 500. */
  waiting: Reader[];
  /** The nodes that did not answer. */
  missing: string[];
}

/** One process that serves clients. */
export interface Node {
  /** Host, process and a random suffix. */
  name: string;
  /** Whether it did not answer in time; then all other members are the last known. */
  isMissing: boolean;
  /** Whether it is stopping. */
  isDraining: boolean;
  /** The version of Longwire. */
  version: string;
  /** When it started. */
  since: number;
  /** Clients that are signed in. */
  connections: number;
  /** Different users among them. */
  users: number;
  /** Connections, signed in or not. */
  sessions: number;
  /** Rooms with a member. */
  rooms: number;
  /** Members of rooms that are behind the end of a log. */
  lagging: number;
  /** CPU seconds used since the process started. */
  cpu: number;
  /** Resident memory. */
  memory: number;
  /** Seconds by which its event loop was late in the newest sample. */
  loopDelay: number;
  /** Seconds that the broker took to answer. */
  brokerDelay: number | null;
  /** The fingerprint of its contract. */
  contract: string;
  /** Events published since it started, by name. */
  published: Record<string, number>;
  /** Refused publications since it started, by error code. */
  refused: Record<string, number>;
  /** Events written to a member of a room. */
  deliveries: number;
  /** Entries, or frames of several, that were read from a log for a member. */
  replayed: number;
  /** Joins that continued at their position. */
  resumes: number;
  /** Joins whose position was gone. */
  resets: number;
  /** Sign-ins. */
  signedIn: number;
  /** Refused sign-ins by error code. */
  refusedSignIns: Record<string, number>;
  /** Ended connections by reason. */
  closed: Record<string, number>;
}

/** `/nodes`: every node, by name. */
export interface NodesView {
  nodes: Node[];
}

/** Something that a connection did or received, while an operator was watching it. */
export interface Operation {
  /** When. */
  at: number;
  /** `in` from the client, `out` to it. */
  direction: "in" | "out";
  /** The event's name. */
  event: string;
  /** The room of a logged event. */
  room: string | null;
  /** Bytes of the payload. */
  size: number;
  /** The offset of a logged event. */
  offset: number | null;
}

/** A piece of streamed text of one type, at most `CHUNK_LENGTH` characters. */
export interface OutputChunk {
  /** The text. */
  text: string;
  /** The kind of text; absent for plain output. */
  type?: OutputType;
}

/** The kind of text that a job streams. */
export type OutputType = "thinking" | "tool_call" | "writing";

/** `/overview`: all nodes together. */
export interface Overview {
  /** The nodes; their sums are for the reader to make. */
  nodes: Node[];
  /** The last 15 minutes of each node, oldest first, by its name. */
  samples: Record<string, Sample[]>;
  /** The newest jobs by status. */
  jobs: Record<string, number>;
  /** Whether actions are allowed. */
  mayAct: boolean;
  /** The name under which actions are recorded. */
  operator: string;
}

/** An event that a consumer could not handle; its payload is not shown. */
export interface Parked {
  /** Identifies it, also across redeliveries. */
  id: string;
  /** The consumer. */
  consumer: string;
  /** The event's name. */
  event: string;
  /** The room. */
  room: string;
  /** Its position in the log of the room. */
  position: Position;
  /** The type and the message of the last exception. */
  error: string;
  /** How often the handler was called with it. */
  attempts: number;
  /** When it was parked. */
  at: number;
  /** Whether another attempt is under way. */
  isRetrying: boolean;
}

/** A position in a room's log, after the entry with this offset. */
export interface Position {
  /** The incarnation of the log; positions of different epochs are not comparable. */
  epoch: string;
  /** 0 before the first entry. Entries are numbered 1, 2, 3, … without gaps. */
  offset: number;
}

/** A member of a room. */
export interface Reader {
  connection: string;
  user: string;
  node: string;
  offset: number;
  lag: number;
  isLive: boolean;
}

/** A room that has a member on some node. */
export interface Room {
  /** The room. */
  name: string;
  /** The incarnation of its log. */
  epoch: string;
  /** The newest offset. */
  end: number;
  /** Members on all nodes. */
  readers: number;
  /** Members that are behind the end. */
  lagging: number;
  /** Entries that the last of them is behind. */
  maxLag: number;
}

/** `/rooms/{room}`: one room. */
export interface RoomView {
  /** The room; its numbers of readers are those of all nodes. */
  room: Room;
  /** The first retained offset; None if nothing is retained. */
  first: number | null;
  /** Bytes of the payloads of `entries`. */
  size: number;
  /** The frames for a late joiner, oldest first; at most `limit`. */
  entries: LogEntry[];
  /** Whether `entries` reach the end of the log. */
  isComplete: boolean;
  /** Members, the last first; at most 500. */
  readers: Reader[];
  /** The nodes that did not answer. */
  missing: string[];
}

/** `/rooms`: one page, and how many there are in all that match. */
export interface RoomsView {
  rooms: Room[];
  total: number;
  missing: string[];
}

/** The counts of a node at one moment; a chart shows differences of adjacent samples. */
export interface Sample {
  /** The moment. */
  at: number;
  /** Clients that were signed in. */
  connections: number;
  /** Rooms with a member. */
  rooms: number;
  /** Events published since the node started. */
  published: number;
  /** Deliveries since the node started. */
  deliveries: number;
  /** Joins that continued at their position, since the node started. */
  resumes: number;
  /** Joins whose position was gone, since the node started. */
  resets: number;
  /** Seconds by which the node's event loop was late. */
  loopDelay: number;
}

/** Something that a trace saw on one node. */
export interface Step {
  /** When, by the clock of that node. */
  at: number;
  /** The node. */
  node: string;
  /** `in` from the user's client, `out` to it, or `written` to the members of the room. */
  kind: "in" | "out" | "written";
  /** The public id of the user's connection. */
  connection?: string;
  /** The event's name. */
  event: string;
  /** The room of a logged event. */
  room?: string;
  /** Its offset in the log. */
  offset?: number;
  /** Bytes of the payload. */
  size: number;
  /** For `written`: members of this node at the end of the log, which received it. */
  delivered?: number;
  /** For `written`: members of this node that receive it later, perhaps merged. */
  behind?: number;
}

/** `/trace`: what the trace that runs, or the last one, has seen; newest first. */
export interface TraceView {
  /** Whether it runs. */
  isActive: boolean;
  /** Whether it follows a user or a room; None before the first trace. */
  type: "room" | "user" | null;
  /** The user or the room. */
  entity: string | null;
  /** When it ends by itself. */
  endsAt: number;
  /** At most 500. */
  steps: Step[];
  /** The nodes that did not answer. */
  missing: string[];
}
