/** Exit codes of the command line; `cli.md` promises them to scripts. */
export type ExitCode = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 11 | 12 | 130

export interface ErrorEntry {
  /** A sentence that is usual for it. Words in capitals, and `N`, stand for what differs. */
  says: string
  /** What it means. */
  meaning: string
  /** How lmapp recovers without anybody, and what is kept. */
  byItself: string
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

type Words = Pick<ErrorEntry, 'says' | 'meaning' | 'byItself' | 'recovery'>
type Flags = Pick<ErrorEntry, 'retryable' | 'trips'>

const entry = (rpc: number, exit: ExitCode, http: number, told: Words & Partial<Flags>): ErrorEntry => ({
  rpc,
  exit,
  http,
  retryable: false,
  trips: false,
  ...told,
})

/** Every failure that a user can reach. `specs/errors.md` and `docs/troubleshooting.md` are made from it; codes are forever. */
export const errorTable = {
  internal: entry(-32603, 1, 500, {
    says: 'The service failed in a way that nobody foresaw.',
    meaning: 'A bug: something that nobody foresaw.',
    byItself:
      'The request ends with this error, its stack goes to the log, and the service goes on for everybody else.',
    recovery: 'Look into the log, and report it: lmapp service logs',
  }),
  'bad-input': entry(-32602, 2, 400, {
    says: 'lmapp COMMAND does not know the option OPTION.',
    meaning: 'The request or the command line is not valid.',
    byItself: 'Nothing is sent or changed; where it looks like a slip, the nearest word is named.',
    recovery: 'See: lmapp --help',
  }),
  'not-supported-yet': entry(-32001, 2, 501, {
    says: 'WHAT comes later.',
    meaning: 'The feature is named but not built yet.',
    byItself: 'Nothing is changed.',
    recovery: 'See: lmapp --help',
  }),
  unsupported: entry(-32002, 2, 400, {
    says: 'BACKEND/MODEL cannot see images.',
    meaning: 'The backend or the model cannot do what was asked.',
    byItself: 'Asks the next candidate of the alias that can; the question is kept.',
    recovery: 'Choose another model: lmapp models list',
  }),
  'confirmation-needed': entry(-32003, 2, 400, {
    says: 'QUESTION Nobody can answer here.',
    meaning: 'lmapp would ask, but nobody can answer here: there is no terminal.',
    byItself: 'Nothing is changed: no answer is never taken for a yes.',
    recovery: 'Say yes beforehand with --yes',
  }),
  'config-invalid': entry(-32004, 2, 400, {
    says: 'FILE:LINE:COLUMN: "SETTING" must be WHAT.',
    meaning: 'The configuration file has a wrong value.',
    byItself:
      'Asks nobody until it is mended; the history stays open, and the file is read again as soon as it changed.',
    recovery: 'Correct it: lmapp config edit',
  }),
  'not-found': entry(-32005, 2, 404, {
    says: 'No conversation or message has the id ID.',
    meaning: 'No conversation, message, run or backend has this id.',
    byItself: 'Nothing is changed; a beginning of an id is enough where only one has it.',
    recovery: 'See: lmapp history list',
  }),
  'not-owner': entry(-32006, 2, 409, {
    says: '"NAME" is run by PROGRAM, so lmapp does not stop it.',
    meaning: 'lmapp did not start it, so it does not stop it.',
    byItself: 'Leaves it running, and says who owns it where it can find out.',
    recovery: 'Use the program that manages it',
  }),
  'method-not-found': entry(-32601, 2, 404, {
    says: 'There is nothing at PATH.',
    meaning: 'The other side does not know this method.',
    byItself: 'Nothing is changed. Between versions of one service no method is taken away.',
    recovery: 'Update the older side',
  }),

  'no-backend': entry(-32010, 3, 503, {
    says: 'No engine was found on this machine.',
    meaning: 'No backend is there that could serve the request.',
    byItself: 'The question is kept. Every request looks anew, so an engine that comes up is used at once.',
    recovery: 'See what was found: lmapp doctor',
  }),
  'backend-unreachable': entry(-32011, 3, 502, {
    says: 'Nothing answers at ADDRESS (REASON).',
    meaning: 'Nothing answers at the address of the backend.',
    byItself:
      'Tries once more, then asks the next candidate. The backend is left out for 10 s, then one request tries it again.',
    recovery: 'Start the engine, then: lmapp doctor',
    retryable: true,
    trips: true,
  }),
  'backend-not-identified': entry(-32012, 3, 502, {
    says: 'What answers at ADDRESS is not ENGINE.',
    meaning: 'Something answers there, but it is not that engine.',
    byItself:
      'Sends it nothing, and asks the next candidate. The backend is left out for 10 s, then one request looks again.',
    recovery: 'See what was found: lmapp doctor',
    trips: true,
  }),
  'backend-refused': entry(-32013, 3, 502, {
    says: 'ENGINE: REASON',
    meaning: 'The engine refused the request.',
    byItself:
      'Asks the next candidate. A refusal says nothing of the health of an engine, so the backend is not left out.',
    recovery: 'See its log: lmapp backends logs NAME',
  }),
  'candidates-failed': entry(-32014, 3, 502, {
    says: 'All N candidates failed. BACKEND/MODEL: REASON BACKEND/MODEL: REASON',
    meaning: 'Every candidate failed before its first token.',
    byItself: 'Has asked all of them, and says what each of them said. The question is kept.',
    recovery: 'See what was found: lmapp doctor',
  }),

  'model-not-found': entry(-32020, 4, 404, {
    says: 'No model is called "NAME".',
    meaning: 'No model has this name.',
    byItself: 'Never guesses another name: it names the nearest. The question is kept.',
    recovery: 'See what is there: lmapp models list',
  }),
  'model-ambiguous': entry(-32021, 4, 400, {
    says: '"NAME" may mean several models: NAME, NAME.',
    meaning: 'Several models match this name.',
    byItself: 'Chooses none of them: it names them. The question is kept.',
    recovery: 'Give more of the name: lmapp models list',
  }),

  'backend-start-failed': entry(-32030, 5, 502, {
    says: 'The program "NAME" cannot be started.',
    meaning: 'The backend did not start.',
    byItself:
      'Ends what was left of it, and asks the next candidate. The next request starts it anew; after three failures in a row it is left out for 10 s.',
    recovery: 'See its log: lmapp backends logs NAME',
    trips: true,
  }),
  'model-load-failed': entry(-32031, 5, 502, {
    says: 'ENGINE: REASON',
    meaning: 'The model did not load.',
    byItself: 'Asks the next candidate; the question is kept.',
    recovery: 'See its log: lmapp backends logs NAME',
    trips: true,
  }),
  'engine-failed': entry(-32032, 5, 502, {
    says: 'ENGINE: REASON',
    meaning: 'The engine answered with an error before the first token.',
    byItself:
      'Tries once more, then asks the next candidate. After three failures in a row the backend is left out for 10 s.',
    recovery: 'See its log: lmapp backends logs NAME',
    retryable: true,
    trips: true,
  }),
  'protocol-violation': entry(-32033, 5, 502, {
    says: 'A part "text-delta" is wrong in "text".',
    meaning: 'The backend broke the contract before the first token.',
    byItself: 'Believes nothing more of that answer, and asks the next candidate.',
    recovery: 'Report it to the author of the backend',
    trips: true,
  }),
  'interface-version': entry(-32034, 5, 502, {
    says: 'The backend "NAME" speaks interface version VERSION, lmapp VERSION.',
    meaning: 'The backend speaks another interface version.',
    byItself: 'Does not use it, ends what it started of it, and asks the next candidate.',
    recovery: 'Update lmapp or the backend',
  }),
  'backend-stopped': entry(-32035, 5, 503, {
    says: 'The backend "NAME" was stopped.',
    meaning: 'The backend was stopped while it was needed.',
    byItself:
      'Asks the next candidate; what arrived is kept. It is not started again for an answer that was waiting for it.',
    recovery: 'Ask again: it is started when it is needed',
  }),
  'model-too-large': entry(-32036, 5, 507, {
    says: '"NAME" needs N MiB of memory, N MiB are free: N MiB for the file, N MiB for a context of N tokens.',
    meaning: 'The model does not fit the memory that is free.',
    byItself:
      'Unloads models that nobody needs first; refuses this one before anything of it is loaded, and asks the next candidate.',
    recovery: 'Choose a smaller one, or less context: -o num_ctx=N',
  }),
  'wrong-model': entry(-32037, 5, 502, {
    says: 'ENGINE was asked for MODEL and answered for MODEL.',
    meaning: 'The engine answered for another model than the one it was asked for.',
    byItself: 'Shows and stores nothing of that answer, and asks the next candidate.',
    recovery: 'See which models it has: lmapp models list',
  }),

  'context-overflow': entry(-32040, 6, 400, {
    says: 'The prompt has N tokens, and the context has N.',
    meaning: 'The prompt does not fit the context.',
    byItself:
      'Counts before it sends, so that nothing is cut in silence; asks the next candidate. The question is kept.',
    recovery: 'Shorten it, or raise the context: -o num_ctx=N',
  }),

  'stream-incomplete': entry(-32050, 7, 502, {
    says: 'The stream of ENGINE ended without its end marker.',
    meaning: 'The stream ended without its end marker.',
    byItself: 'Keeps what arrived, and lets another candidate go on with it where that can be done exactly.',
    recovery: 'Go on with it: lmapp continue',
    trips: true,
  }),
  'stream-malformed': entry(-32051, 7, 502, {
    says: 'An event in the stream of ENGINE was no message.',
    meaning: 'The stream held a line that is no message.',
    byItself: 'Keeps what arrived, and lets another candidate go on with it where that can be done exactly.',
    recovery: 'Go on with it: lmapp continue',
    trips: true,
  }),
  'engine-died': entry(-32052, 7, 502, {
    says: 'The connection broke in the middle of the answer.',
    meaning: 'The engine ended in the middle of the answer.',
    byItself:
      'Keeps what arrived, and lets another candidate go on with it where that can be done exactly. An engine of its own is started again when it is needed.',
    recovery: 'Go on with it: lmapp continue',
    trips: true,
  }),
  'answer-empty': entry(-32053, 7, 502, {
    says: 'BACKEND/MODEL ended its answer without a word.',
    meaning: 'The answer ended properly, but nothing was in it.',
    byItself: 'Keeps the question, and calls the answer failed: nothing is no success.',
    recovery: 'Ask again, or choose another model: lmapp models list',
  }),
  'prompt-truncated': entry(-32054, 7, 502, {
    says: 'ENGINE read only N tokens of a prompt that has at least N.',
    meaning: 'The engine silently read only a part of the prompt.',
    byItself:
      'Compares what was sent with what the engine says that it read; keeps what arrived, and calls it incomplete.',
    recovery: 'Shorten it, or raise the context: -o num_ctx=N',
  }),
  'content-filtered': entry(-32055, 7, 502, {
    says: 'BACKEND/MODEL withheld the rest of the answer.',
    meaning: 'The engine withheld the rest of the answer.',
    byItself: 'Keeps what arrived, and calls it incomplete.',
    recovery: 'Ask in another way',
  }),
  'schema-mismatch': entry(-32057, 7, 502, {
    says: 'The answer does not satisfy the schema: PROBLEM.',
    meaning: 'The answer does not satisfy the schema, and neither did the second one.',
    byItself: 'Has asked a second time, with what was wrong. What arrived is kept, and called incomplete.',
    recovery: 'Ask again, or choose a larger model: lmapp models list',
  }),
  'run-crashed': entry(-32056, 7, 500, {
    says: 'The service ended while it answered.',
    meaning: 'The service ended while it answered.',
    byItself:
      'The command starts a new service, which finds the answer on disk and goes on with it where that can be done exactly; else what was stored is kept.',
    recovery: 'Go on with it: lmapp continue',
  }),

  stalled: entry(-32060, 8, 504, {
    says: 'No progress for N s (PHASE).',
    meaning: 'No progress for too long.',
    byItself:
      'Gives the engine up, keeps what arrived and asks the next candidate, in the middle of an answer only one that can go on exactly. The backend is left out for 10 s.',
    recovery: 'Go on with it: lmapp continue',
    trips: true,
  }),

  unauthorized: entry(-32070, 9, 401, {
    says: 'ENGINE: REASON',
    meaning: 'A key is missing or wrong.',
    byItself:
      'Asks the next candidate. A refusal says nothing of the health of an engine, so the backend is not left out.',
    recovery: 'Check apiKeyEnv or apiKeyFile: lmapp config edit',
  }),
  forbidden: entry(-32071, 9, 403, {
    says: 'ENGINE: REASON',
    meaning: 'This is not allowed with that key or from there.',
    byItself:
      'Asks the next candidate. A refusal says nothing of the health of an engine, so the backend is not left out.',
    recovery: 'Check apiKeyEnv or apiKeyFile: lmapp config edit',
  }),

  'disk-full': entry(-32080, 11, 507, {
    says: 'N MB are needed below FOLDER, and N MB are free.',
    meaning: 'The disk is full, or has no room for what is to come.',
    byItself:
      'Stops the answer. What arrived is printed, kept in memory and offered to the disk again every 2 s; a download is refused before it begins where its size is known.',
    recovery: 'Free some space, then ask again; see: lmapp paths',
  }),
  'store-corrupt': entry(-32081, 11, 500, {
    says: 'The history file is damaged.',
    meaning: 'The history file is damaged.',
    byItself:
      'At the next start of the service the damaged file is put aside under another name and a new one begun; a damaged search index is made anew at once.',
    recovery: 'Start anew, then see where the damaged file is: lmapp service stop, then lmapp service logs',
  }),
  'store-newer': entry(-32082, 11, 500, {
    says: 'The history was written by a newer lmapp.',
    meaning: 'The history was written by a newer lmapp.',
    byItself: 'Leaves the history untouched, and does not start.',
    recovery: 'Update lmapp',
  }),
  'store-failed': entry(-32083, 11, 500, {
    says: 'The history could not be written or read: REASON',
    meaning: 'The history could not be written or read.',
    byItself:
      'Asks no engine before the question is stored. What an answer brought is kept in memory and offered again every 2 s.',
    recovery: 'See where it is: lmapp paths',
  }),
  'service-unavailable': entry(-32084, 11, 503, {
    says: 'What listens on the socket of the service is not the service.',
    meaning: 'The background service did not start, or does not answer.',
    byItself:
      'Starts a service where none listens, replaces a socket that a dead one left, and believes none that cannot prove who it is.',
    recovery: 'See its log: lmapp service logs',
    retryable: true,
  }),
  'service-version': entry(-32085, 11, 503, {
    says: 'The service that runs is newer than this command: lmapp VERSION (pid N).',
    meaning: 'A service of another version is in the way.',
    byItself:
      'Replaces an older service when it is idle, and waits up to a minute for a busy one; leaves a newer one alone.',
    recovery: 'Wait for it, or: lmapp service stop',
  }),
  'port-in-use': entry(-32086, 11, 500, {
    says: 'Port N of ADDRESS is taken.',
    meaning: 'The port is taken.',
    byItself: 'Notices before the background service is asked to leave, so that goes on.',
    recovery: 'Choose another one: lmapp serve --port 0',
  }),
  'path-unusable': entry(-32087, 11, 500, {
    says: 'FOLDER is no folder.',
    meaning: 'A file or folder that lmapp needs cannot be used.',
    byItself: 'Nothing is written elsewhere instead.',
    recovery: 'See which ones there are: lmapp paths',
  }),
  'download-failed': entry(-32088, 11, 502, {
    says: 'The server answered N for MODEL.',
    meaning: 'The download did not succeed.',
    byItself:
      'Tries again after 0.5, 2 and 5 s while that may help, then the next source where there is one; what arrived is kept, and the next try goes on there.',
    recovery: 'Try again: it goes on where it stopped',
    retryable: true,
  }),
  'checksum-mismatch': entry(-32089, 11, 502, {
    says: 'What came from SOURCE is not the expected file.',
    meaning: 'What was downloaded is not what was expected, or nothing is known to compare it with.',
    byItself:
      'Removes it: nothing that fails its check is ever used. Then it tries the next source where there is one.',
    recovery: 'Try again; the broken file was removed',
  }),
  'not-a-model': entry(-32090, 11, 400, {
    says: 'FILE is no model that can be read. REASON',
    meaning: 'The file is no model of a known format, or is cut short.',
    byItself: 'Does not load it. One that was just downloaded is removed; all other models are still there.',
    recovery: 'Fetch it again: lmapp models pull NAME',
  }),
  offline: entry(-32091, 11, 503, {
    says: 'Fetching MODEL needs the network, and LMAPP_OFFLINE forbids it.',
    meaning: 'It would need the network, and LMAPP_OFFLINE forbids it.',
    byItself: 'Opens no connection beyond this machine.',
    recovery: 'Unset LMAPP_OFFLINE',
  }),
  'tool-missing': entry(-32092, 11, 500, {
    says: 'The editor "PROGRAM" could not be started.',
    meaning: 'A program that is needed for this is not installed.',
    byItself: 'Nothing is changed.',
    recovery: 'Install it, then try again',
  }),

  busy: entry(-32100, 12, 503, {
    says: 'ENGINE: REASON',
    meaning: 'Too many requests are waiting.',
    byItself:
      'Asks the next candidate; where the engine says how long to wait, it is left alone for so long. lmapp itself lets 64 requests and more wait before it says this.',
    recovery: 'Try again later',
    retryable: true,
  }),
  'rate-limited': entry(-32101, 12, 429, {
    says: 'ENGINE: REASON',
    meaning: 'The engine asks to wait.',
    byItself:
      'Asks the next candidate, and leaves this engine alone for as long as it says, at most 10 minutes. Where no other can answer it waits up to a minute, says so, and asks once more.',
    recovery: 'Try again later',
    retryable: true,
  }),

  cancelled: entry(-32800, 130, 499, {
    says: 'The answer was stopped; what arrived is kept.',
    meaning: 'It was cancelled.',
    byItself: 'Keeps what arrived: an answer can be gone on with, a download goes on where it stopped.',
    recovery: 'Ask again, or go on with an answer that was begun: lmapp continue',
  }),
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errorTable
