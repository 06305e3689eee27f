import { createReadStream } from 'node:fs'
import { open, readFile, stat } from 'node:fs/promises'
import { LmappError } from 'lmapp-kit'
import type { ReadContext } from './context.ts'
import type { ImportedConversation, ImportKind, ImportNotice } from './imported.ts'
import { createNotices } from './notices.ts'
import { sqliteSignature } from './sqlite.ts'

/** The programs that histories come from, as `--from` names them. */
export const importSources = ['lmapp', 'llm', 'ollama', 'open-webui', 'chatgpt'] as const
export type ImportSource = (typeof importSources)[number]

const sources: Readonly<Record<ImportKind, ImportSource>> = {
  'lmapp-json': 'lmapp',
  'lmapp-markdown': 'lmapp',
  llm: 'llm',
  'ollama-app': 'ollama',
  'ollama-modelfile': 'ollama',
  'open-webui': 'open-webui',
  'open-webui-database': 'open-webui',
  chatgpt: 'chatgpt',
}

export interface ReadImportOptions {
  /** What it must be; a file of another program is refused. Default: whatever it is. */
  from?: ImportSource
}

/** An opened file. Disposing closes it and removes what was unpacked or copied aside. */
export interface Import extends AsyncDisposable {
  kind: ImportKind
  /**
   * To be read once, the one that was used last at the end. Throws `bad-input` where the file itself breaks off; what
   * came before that stands.
   */
  conversations: AsyncIterable<ImportedConversation>
  /** What could not be taken. It grows while the conversations are read. */
  notices: readonly ImportNotice[]
}

/**
 * Opens a history that lmapp or another program wrote, whatever the file is called. It is never written to.
 * Throws `bad-input` for a file that cannot be read, that is of no known kind, or of a newer version of lmapp.
 */
export async function readImport(path: string, { from }: ReadImportOptions = {}): Promise<Import> {
  const { head, modified, size } = await look(path)
  const notices = createNotices()
  const opened = await openKind(path, head, size, { notices, modified })
  if (from !== undefined && sources[opened.kind] !== from) {
    await opened.dispose?.()
    throw new LmappError('bad-input', `${path} is of ${sources[opened.kind]}, not of ${from}.`, {
      hint: `Leave --from out, or give: --from ${sources[opened.kind]}`,
    })
  }
  return {
    kind: opened.kind,
    conversations: opened.conversations,
    notices: notices.list,
    [Symbol.asyncDispose]: async () => await opened.dispose?.(),
  }
}

const headBytes = 64 * 1024

async function look(path: string): Promise<{ head: Buffer; modified: string; size: number }> {
  try {
    const facts = await stat(path)
    if (facts.isDirectory())
      throw refuse(path, 'is a folder, and a file is needed', 'Give the file in it that holds the history')
    if (!facts.isFile()) throw refuse(path, 'is no regular file', 'Save it as a file first')
    if (facts.size === 0) throw refuse(path, 'is empty', 'Export or copy it again')
    await using file = await open(path)
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(headBytes), position: 0 })
    return { head: buffer.subarray(0, bytesRead), modified: facts.mtime.toISOString(), size: facts.size }
  } catch (cause) {
    if (cause instanceof LmappError) throw cause
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'does not exist' : `could not be read (${code})`
    throw new LmappError('bad-input', `${path} ${why}.`, { hint: 'Check the path', cause })
  }
}

function refuse(path: string, why: string, hint: string): LmappError {
  return new LmappError('bad-input', `${path} ${why}.`, { hint })
}

interface Opened {
  kind: ImportKind
  conversations: AsyncIterable<ImportedConversation>
  dispose?: () => Promise<void>
}

async function openKind(path: string, head: Buffer, size: number, context: ReadContext): Promise<Opened> {
  if (head.toString('latin1', 0, sqliteSignature.length) === sqliteSignature) return await openDatabase(path, context)
  if (head.toString('latin1', 0, 4) === 'PK\u0003\u0004') return await openArchive(path, context)
  const text = head.toString('utf8').replace(/^\ufeff/, '')
  const first = text.trimStart()[0]
  if (first === '{' || first === '[') return await openJson(path, context)
  const { isLmappMarkdown, readLmappMarkdown } = await import('./lmapp-markdown.ts')
  if (isLmappMarkdown(text)) {
    return { kind: 'lmapp-markdown', conversations: readLmappMarkdown(readBytes(path), context) }
  }
  if (!head.includes(0)) {
    const modelfile = await openModelfile(path, text, size, context)
    if (modelfile) return modelfile
  }
  throw refuse(
    path,
    'is no history that lmapp knows',
    'It reads exports of lmapp, ChatGPT and Open WebUI, databases of llm, Open WebUI and the Ollama app, and Modelfiles',
  )
}

/** Opens the file only when it is read. */
async function* readBytes(path: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path) as AsyncIterable<Uint8Array>
}

const mostModelfileBytes = 64 * 1024 * 1024

async function openModelfile(
  path: string,
  head: string,
  size: number,
  context: ReadContext,
): Promise<Opened | undefined> {
  const { isModelfile, readModelfile } = await import('./modelfile.ts')
  if (!isModelfile(head)) return undefined
  if (size > mostModelfileBytes)
    throw refuse(path, `is larger than ${mostModelfileBytes} bytes`, 'No session is that long')
  const conversation = readModelfile(await readFile(path, 'utf8'), context)
  return { kind: 'ollama-modelfile', conversations: once(conversation) }
}

async function* once(conversation: ImportedConversation): AsyncGenerator<ImportedConversation> {
  yield conversation
}

async function openJson(path: string, context: ReadContext): Promise<Opened> {
  const { indexJson, readJson } = await import('./json-import.ts')
  const source = { ...context, paths: [path] }
  const index = await indexJson(source)
  return { kind: index.kind, conversations: readJson(index, source) }
}

async function openArchive(path: string, context: ReadContext): Promise<Opened> {
  const { openChatGptArchive } = await import('./chatgpt-zip.ts')
  const { indexJson, readJson } = await import('./json-import.ts')
  const archive = await openChatGptArchive(path)
  const dispose = async () => await archive[Symbol.asyncDispose]()
  try {
    const source = { ...context, paths: archive.paths, assets: archive.assets }
    const index = await indexJson(source)
    return { kind: index.kind, conversations: readJson(index, source), dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

async function openDatabase(path: string, context: ReadContext): Promise<Opened> {
  const { openForeignDatabase } = await import('./sqlite.ts')
  const { findDatabaseReader } = await import('./databases.ts')
  const database = await openForeignDatabase(path)
  const dispose = async () => await database[Symbol.asyncDispose]()
  const reader = findDatabaseReader(database)
  if (reader) return { kind: reader.kind, conversations: reader.read(database, context), dispose }
  await dispose()
  throw refuse(
    path,
    'is a database, but of no program that lmapp knows',
    'It reads those of llm (logs.db), Open WebUI (webui.db) and the Ollama app (db.sqlite)',
  )
}
