/** Exit codes of the command line; `cli.md` promises them to scripts. */
export type ExitCode = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 11 | 12 | 130

export interface ErrorEntry {
  /** What it means, for `specs/errors.md`. */
  meaning: string
  /** What a user does about it. Also the hint of an error that brings none of its own. */
  recovery: string
  http: number
  /** JSON-RPC 2.0 error number, -32768 to -32000 reserved by it, the others ours. */
  rpc: number
  exit: ExitCode
  /** Whether the same request to the same backend may well succeed at once. */
  retryable: boolean
  /** Whether it speaks against the backend's health, and so counts for its circuit breaker. */
  trips: boolean
}

const entry = (
  rpc: number,
  exit: ExitCode,
  http: number,
  meaning: string,
  recovery: string,
  flags: { retryable?: boolean; trips?: boolean } = {},
): ErrorEntry => ({
  rpc,
  exit,
  http,
  meaning,
  recovery,
  retryable: flags.retryable ?? false,
  trips: flags.trips ?? false,
})

/** Every failure that a user can reach. `specs/errors.md` is made from it; codes are forever. */
export const errorTable = {
  internal: entry(-32603, 1, 500, 'A bug: something that nobody foresaw.', 'See the log: lmapp service logs'),
  'bad-input': entry(-32602, 2, 400, 'The request or the command line is not valid.', 'See: lmapp --help'),
  'not-supported-yet': entry(-32001, 2, 501, 'The feature is named but not built yet.', 'See: lmapp --help'),
  unsupported: entry(
    -32002,
    2,
    400,
    'The backend or the model cannot do what was asked.',
    'Choose another model: lmapp models list',
  ),
  'confirmation-needed': entry(
    -32003,
    2,
    400,
    'It would ask, but nobody can answer here.',
    'Say yes beforehand with --yes',
  ),
  'config-invalid': entry(-32004, 2, 400, 'The configuration file has a wrong value.', 'Correct it: lmapp config edit'),
  'not-found': entry(
    -32005,
    2,
    404,
    'No conversation, message, run or backend has this id.',
    'See: lmapp history list',
  ),
  'not-owner': entry(
    -32006,
    2,
    409,
    'lmapp did not start it, so it does not stop it.',
    'Use the program that manages it',
  ),
  'method-not-found': entry(-32601, 2, 404, 'The other side does not know this method.', 'Update the older side'),

  'no-backend': entry(
    -32010,
    3,
    503,
    'No backend is there that could serve the request.',
    'See what was found: lmapp doctor',
  ),
  'backend-unreachable': entry(
    -32011,
    3,
    502,
    'Nothing answers at the address of the backend.',
    'Start the engine, then: lmapp doctor',
    { retryable: true, trips: true },
  ),
  'backend-not-identified': entry(
    -32012,
    3,
    502,
    'Something answers there, but it is not that engine.',
    'See what was found: lmapp doctor',
    { trips: true },
  ),
  'backend-refused': entry(-32013, 3, 502, 'The engine refused the request.', 'See its log: lmapp backends logs', {}),
  'candidates-failed': entry(
    -32014,
    3,
    502,
    'Every candidate failed before its first token.',
    'See what was found: lmapp doctor',
  ),

  'model-not-found': entry(-32020, 4, 404, 'No model has this name.', 'See what is there: lmapp models list'),
  'model-ambiguous': entry(
    -32021,
    4,
    400,
    'Several models match this name.',
    'Give more of the name: lmapp models list',
  ),

  'backend-start-failed': entry(-32030, 5, 502, 'The backend did not start.', 'See its log: lmapp backends logs', {
    trips: true,
  }),
  'model-load-failed': entry(-32031, 5, 502, 'The model did not load.', 'See its log: lmapp backends logs', {
    trips: true,
  }),
  'engine-failed': entry(
    -32032,
    5,
    502,
    'The engine answered with an error before the first token.',
    'See its log: lmapp backends logs',
    { retryable: true, trips: true },
  ),
  'protocol-violation': entry(
    -32033,
    5,
    502,
    'The backend broke the contract before the first token.',
    'Report it to the author of the backend',
    { trips: true },
  ),
  'interface-version': entry(
    -32034,
    5,
    502,
    'The backend speaks another interface version.',
    'Update lmapp or the backend',
  ),
  'backend-stopped': entry(-32035, 5, 503, 'The backend was stopped.', 'Ask again: it is started when it is needed', {
    retryable: true,
  }),
  'model-too-large': entry(
    -32036,
    5,
    507,
    'The model does not fit the memory that is free.',
    'Choose a smaller one, or less context: -o num_ctx=N',
  ),

  'wrong-model': entry(
    -32037,
    5,
    502,
    'The engine answered for another model than the one it was asked for.',
    'See which models it has: lmapp models list',
  ),

  'context-overflow': entry(
    -32040,
    6,
    400,
    'The prompt does not fit the context.',
    'Shorten it, or raise the context: -o num_ctx=N',
  ),

  'stream-incomplete': entry(
    -32050,
    7,
    502,
    'The stream ended without its end marker.',
    'Go on with it: lmapp continue',
    { trips: true },
  ),
  'stream-malformed': entry(
    -32051,
    7,
    502,
    'The stream held a line that is no message.',
    'Go on with it: lmapp continue',
    { trips: true },
  ),
  'engine-died': entry(
    -32052,
    7,
    502,
    'The engine ended in the middle of the answer.',
    'Go on with it: lmapp continue',
    { trips: true },
  ),
  'answer-empty': entry(
    -32053,
    7,
    502,
    'The answer ended properly, but nothing was in it.',
    'Ask again, or choose another model: lmapp models list',
  ),
  'prompt-truncated': entry(
    -32054,
    7,
    502,
    'The engine silently read only a part of the prompt.',
    'Shorten it, or raise the context: -o num_ctx=N',
  ),
  'content-filtered': entry(-32055, 7, 502, 'The engine withheld the rest of the answer.', 'Ask in another way'),
  'schema-mismatch': entry(
    -32057,
    7,
    502,
    'The answer does not satisfy the schema, and neither did the second one.',
    'Ask again, or choose a larger model: lmapp models list',
  ),
  'run-crashed': entry(-32056, 7, 500, 'The service ended while it answered.', 'Go on with it: lmapp continue'),

  stalled: entry(-32060, 8, 504, 'No progress for too long.', 'Go on with it: lmapp continue', { trips: true }),

  unauthorized: entry(-32070, 9, 401, 'A key is missing or wrong.', 'Check apiKeyEnv or apiKeyFile: lmapp config edit'),
  forbidden: entry(
    -32071,
    9,
    403,
    'This is not allowed with that key or from there.',
    'Check apiKeyEnv or apiKeyFile: lmapp config edit',
  ),

  'disk-full': entry(-32080, 11, 507, 'The disk is full.', 'Free some space, then ask again; see: lmapp paths'),
  'store-corrupt': entry(-32081, 11, 500, 'The history file is damaged.', 'See where it was put aside: lmapp paths'),
  'store-newer': entry(-32082, 11, 500, 'The history was written by a newer lmapp.', 'Update lmapp'),
  'store-failed': entry(-32083, 11, 500, 'The history could not be written or read.', 'See where it is: lmapp paths'),
  'service-unavailable': entry(
    -32084,
    11,
    503,
    'The background service did not start.',
    'See its log: lmapp service logs',
    { retryable: true },
  ),
  'service-version': entry(
    -32085,
    11,
    503,
    'A service of another version is busy.',
    'Wait for it, or: lmapp service stop',
  ),
  'port-in-use': entry(-32086, 11, 500, 'The port is taken.', 'Choose another one: lmapp serve --port 0'),
  'path-unusable': entry(-32087, 11, 500, 'A folder that lmapp needs cannot be used.', 'See which ones: lmapp paths'),
  'download-failed': entry(-32088, 11, 502, 'The download did not succeed.', 'Try again: it goes on where it stopped', {
    retryable: true,
  }),
  'checksum-mismatch': entry(
    -32089,
    11,
    502,
    'What was downloaded is not what was expected.',
    'Try again; the broken file was removed',
  ),
  'not-a-model': entry(
    -32090,
    11,
    400,
    'The file is no GGUF model, or is cut short.',
    'Fetch it again: lmapp models pull',
  ),
  offline: entry(-32091, 11, 503, 'It would need the network, and LMAPP_OFFLINE forbids it.', 'Unset LMAPP_OFFLINE'),
  'tool-missing': entry(
    -32092,
    11,
    500,
    'A program that is needed for this is not installed.',
    'Install it, then try again',
  ),

  busy: entry(-32100, 12, 503, 'Too many requests are waiting.', 'Try again later', { retryable: true }),
  'rate-limited': entry(-32101, 12, 429, 'The engine asks to wait.', 'Try again later', { retryable: true }),

  cancelled: entry(-32800, 130, 499, 'It was cancelled.', 'Go on with it: lmapp continue'),
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errorTable
