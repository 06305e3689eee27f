import { LmappError } from 'lmapp-kit'

/** A piece of a JSON text: an element of the list of conversations, or another member of the object around it. */
export interface JsonItem {
  /** Of a member that is not the list. */
  key?: string
  /** Bytes from the beginning of the file. */
  start: number
  end: number
  /** Of its beginning, counted from 1. */
  line: number
  /** Absent when it is over a bound. */
  bytes?: Buffer
  problem?: 'too-large' | 'too-deep'
}

export interface SplitOptions {
  /** The member of a top-level object whose list is taken apart. */
  listKey: string
  /** Larger items are not held. */
  maxBytes: number
  maxDepth: number
}

/** Cuts JSON as it comes, without ever holding more than one item. It judges brackets and strings, not what is in an item. */
export interface JsonSplitter {
  /** The items that these bytes complete. Throws `bad-input`, with the place, where it is no JSON. */
  push(chunk: Buffer): Iterable<JsonItem>
  /** Throws `bad-input` when the text breaks off. */
  end(): void
  /** What the text is as a whole; undefined before its first character. */
  readonly shape: 'list' | 'object' | undefined
}

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a]
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d]
const lineFeed = 0x0a

type Level = 'outside' | 'list' | 'object' | 'inner-list' | 'after'

export function createJsonSplitter({ listKey, maxBytes, maxDepth }: SplitOptions): JsonSplitter {
  let level: Level = 'outside'
  let shape: 'list' | 'object' | undefined
  let offset = 0
  let line = 1
  /** Within the item: brackets that are open, and whether a string is. */
  let depth = 0
  let inString = false
  let escaped = false
  let item: JsonItem | undefined
  let held: Buffer[] = []
  let heldBytes = 0
  let key: string | undefined

  function hold(bytes: Buffer): void {
    if (!item || item.problem || bytes.length === 0) return
    heldBytes += bytes.length
    if (heldBytes > maxBytes) spoil('too-large')
    else held.push(bytes)
  }

  function spoil(problem: 'too-large' | 'too-deep'): void {
    if (!item) return
    item.problem = problem
    held = []
  }

  function begin(at: number): void {
    item = { start: at, end: at, line }
    held = []
    heldBytes = 0
    depth = 0
  }

  function finish(bytes: Buffer, at: number): JsonItem | undefined {
    if (!item) return undefined
    hold(bytes)
    const done: JsonItem = { ...item, end: at }
    if (!done.problem) done.bytes = held.length === 1 && held[0] ? held[0] : Buffer.concat(held)
    if (key !== undefined) done.key = key
    item = undefined
    held = []
    key = undefined
    return done
  }

  /** The key before a colon, which so far was taken for an item. */
  function takeKey(bytes: Buffer, at: number): void {
    const text = finish(bytes, at)?.bytes?.toString('utf8')
    try {
      key = text === undefined ? '' : String(JSON.parse(text))
    } catch {
      throw brokenJson('a name in quotes is expected', at, line)
    }
  }

  /** Where the string that is open ends in this chunk: at its last quote, or beyond the chunk. */
  function skipString(chunk: Buffer, from: number): number {
    let start = from
    if (escaped) start++
    escaped = false
    for (let end = chunk.indexOf(quote, start); end >= 0; end = chunk.indexOf(quote, end + 1)) {
      if (countBackslashes(chunk, start, end) % 2 > 0) continue
      inString = false
      return end
    }
    escaped = countBackslashes(chunk, start, chunk.length) % 2 > 0
    return chunk.length
  }

  function* push(chunk: Buffer): Generator<JsonItem> {
    let from = 0
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index]
      if (inString) {
        index = skipString(chunk, index)
        continue
      }
      if (byte === lineFeed) line++
      if (isSpace(byte)) continue
      const at = offset + index
      if (item && depth > 0) {
        if (byte === quote) inString = true
        else if (byte === openList || byte === openObject) {
          if (++depth > maxDepth && !item.problem) spoil('too-deep')
        } else if (byte === closeList || byte === closeObject) depth--
        continue
      }
      switch (level) {
        case 'outside':
          if (isMark(byte, at)) continue
          if (byte !== openList && byte !== openObject) throw brokenJson('a list or an object is expected', at, line)
          shape = byte === openList ? 'list' : 'object'
          level = shape
          continue
        case 'after':
          throw brokenJson('something follows its end', at, line)
        default:
      }
      if (byte === comma || byte === colon || byte === closeList || byte === closeObject) {
        if (byte === colon) {
          if (level !== 'object' || key !== undefined) throw brokenJson('a colon is in the wrong place', at, line)
          takeKey(chunk.subarray(from, index), at)
          continue
        }
        const done = finish(chunk.subarray(from, index), at)
        if (done) {
          if (level === 'object' && done.key === undefined) throw brokenJson('a value without a name', at, line)
          yield done
        }
        if (byte === comma) continue
        level = close(byte, at)
        continue
      }
      if (!item) {
        if (level === 'object' && key === listKey && byte === openList) {
          level = 'inner-list'
          key = undefined
          continue
        }
        begin(at)
        from = index
      }
      if (byte === quote) inString = true
      else if (byte === openList || byte === openObject) depth++
    }
    hold(Buffer.from(chunk.subarray(from)))
    offset += chunk.length
  }

  function close(byte: number, at: number): Level {
    if (level === 'inner-list' && byte === closeList) return 'object'
    if (level === 'list' && byte === closeList) return 'after'
    if (level === 'object' && byte === closeObject) return 'after'
    throw brokenJson(`"${String.fromCharCode(byte)}" closes nothing`, at, line)
  }

  return {
    push,
    end() {
      if (level === 'after') return
      const where = item
        ? `in the middle of what begins at byte ${item.start}, line ${item.line}`
        : 'before it is closed'
      throw new LmappError('bad-input', `The file breaks off after ${offset} bytes, ${where}.`, {
        hint: 'Fetch or copy the file again; what was read before that stands',
        details: { byte: offset, line },
      })
    },
    get shape() {
      return shape
    },
  }
}

/** Those directly before `end`. */
function countBackslashes(chunk: Buffer, start: number, end: number): number {
  let at = end
  while (at > start && chunk[at - 1] === backslash) at--
  return end - at
}

/** The byte order mark. */
function isMark(byte: number | undefined, at: number): boolean {
  return byte === [0xef, 0xbb, 0xbf][at]
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === lineFeed || byte === 0x0d || byte === 0x09
}

function brokenJson(why: string, byte: number, line: number): LmappError {
  return new LmappError('bad-input', `The file is no valid JSON: ${why} at byte ${byte}, line ${line}.`, {
    hint: 'Fetch or copy the file again; what was read before that stands',
    details: { byte, line },
  })
}
