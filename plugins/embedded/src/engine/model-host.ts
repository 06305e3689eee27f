import type { ModelHealth } from 'lmapp-kit'
import { LmappError, untilAborted } from 'lmapp-kit'
import type { ModelFile } from '../models/describe-model.ts'
import { isSamePart } from '../models/model-parts.ts'
import type { Runtime } from '../runtime/open-runtime.ts'
import { type LoadedModel, loadModel } from './loaded-model.ts'
import { assertFits, availableBytesOf } from './memory.ts'
import { createSlots, type Slots } from './slots.ts'

export interface ModelHostOptions {
  runtime: Runtime
  parallel: number
  idleUnloadMs: number
  /** Bytes that models may still take. */
  availableMemory(): number
  onStateChanged(): void
  /** An idle model could not be unloaded. */
  onError(error: unknown): void
}

/** A loaded model that will not be unloaded until it is released. */
export interface ModelHold {
  loaded: LoadedModel
  /** Absent when it was there already. */
  loadMs?: number
  release(): void
}

export interface UseOptions {
  signal?: AbortSignal
  /** 0 to 1, while it loads. */
  onProgress?(progress: number): void
  /** Context that was asked for, in tokens. A model that cannot have it is not loaded. */
  contextLength?: number
}

/** Decides which models are in memory. Each is loaded once, however many ask for it. */
export interface ModelHost extends AsyncDisposable {
  use(file: ModelFile, options?: UseOptions): Promise<ModelHold>
  /** Where it is in memory; loads nothing. */
  useIfReady(file: ModelFile): ModelHold | undefined
  /** Its file is gone or broken: it is unloaded as soon as nothing needs it. */
  forget(id: string): Promise<void>
  /** Throws `busy` while a chat needs it. */
  unload(id: string): Promise<void>
  isReady(id: string): boolean
  /** Turns of the chats with this model. */
  slots(id: string): Slots
  health(): { active: number; queued: number; models: ModelHealth[] }
}

interface Loading {
  promise: Promise<LoadedModel>
  controller: AbortController
  waiters: number
  progress: number
  listeners: Set<(progress: number) => void>
}

interface LoadRequest {
  entry: Entry
  file: ModelFile
  contextLength: number | undefined
  signal: AbortSignal
  onProgress(progress: number): void
}

interface Entry {
  id: string
  slots: Slots
  loading?: Loading | undefined
  loaded?: LoadedModel | undefined
  holds: number
  /** Resolves when nothing holds it any more. */
  released: PromiseWithResolvers<void>
  forgotten?: boolean
  /** Grows with each use. */
  usedAt: number
  idleTimer?: NodeJS.Timeout | undefined
}

export function createModelHost(options: ModelHostOptions): ModelHost {
  const entries = new Map<string, Entry>()
  const loadTurns = createSlots(1)
  let uses = 0

  function entryOf(id: string): Entry {
    const entry = entries.get(id) ?? {
      id,
      slots: createSlots(options.parallel),
      holds: 0,
      released: Promise.withResolvers<void>(),
      usedAt: 0,
    }
    entries.set(id, entry)
    return entry
  }

  async function drop(entry: Entry): Promise<void> {
    const { loaded } = entry
    clearTimeout(entry.idleTimer)
    entry.loaded = undefined
    await loaded?.[Symbol.asyncDispose]()
    if (loaded) options.onStateChanged()
  }

  /** Unloads the idle model that was used longest ago. */
  async function makeRoom(): Promise<boolean> {
    const idle = [...entries.values()].filter((entry) => entry.loaded && entry.holds === 0)
    const [oldest] = idle.toSorted((left, right) => left.usedAt - right.usedAt)
    if (!oldest) return false
    await drop(oldest)
    return true
  }

  function hold(entry: Entry, loaded: LoadedModel, loadMs?: number): ModelHold {
    entry.holds++
    entry.usedAt = ++uses
    clearTimeout(entry.idleTimer)
    let held = true
    return {
      loaded,
      ...(loadMs !== undefined && { loadMs }),
      release() {
        if (!held) return
        held = false
        entry.holds--
        if (entry.holds > 0 || entry.loaded !== loaded) return
        entry.released.resolve()
        entry.released = Promise.withResolvers()
        const unload = (): void => void drop(entry).catch(options.onError)
        if (entry.forgotten) unload()
        else entry.idleTimer = setTimeout(unload, options.idleUnloadMs).unref()
      },
    }
  }

  const memory = {
    llama: options.runtime.llama,
    availableMemory: options.availableMemory,
    loaded: () => [...entries.values()].flatMap((entry) => entry.loaded?.file ?? []),
  }

  function beginLoading(entry: Entry, file: ModelFile, contextLength: number | undefined): Loading {
    const controller = new AbortController()
    const listeners = new Set<(progress: number) => void>()
    const onProgress = (progress: number): void => {
      loading.progress = progress
      for (const listener of listeners) listener(progress)
    }
    const loading: Loading = {
      promise: load({ entry, file, contextLength, signal: controller.signal, onProgress }),
      controller,
      waiters: 0,
      progress: 0,
      listeners,
    }
    loading.promise.catch(() => {})
    entry.loading = loading
    options.onStateChanged()
    return loading
  }

  async function load({ entry, file, contextLength, signal, onProgress }: LoadRequest): Promise<LoadedModel> {
    try {
      const done = await loadTurns.take(signal)
      try {
        if (entry.loaded) await drop(entry)
        await assertFits(file, { ...memory, makeRoom, ...(contextLength !== undefined && { contextLength }) })
        const availableBytes = async (): Promise<number> => {
          // While it is loaded it does not count itself yet.
          const own = entry.loaded ? 0 : file.sizeBytes
          return Math.max(0, (await availableBytesOf(memory)) - own)
        }
        const loadOptions = { ...options, makeRoom, availableBytes, onProgress, signal }
        entry.loaded = await loadModel(options.runtime, file, loadOptions)
        entry.forgotten = false
        return entry.loaded
      } finally {
        done()
      }
    } finally {
      entry.loading = undefined
      options.onStateChanged()
    }
  }

  async function join(entry: Entry, loading: Loading, { signal, onProgress }: UseOptions): Promise<ModelHold> {
    if (onProgress) loading.listeners.add(onProgress)
    loading.waiters++
    const begun = performance.now()
    try {
      const loaded = await untilAborted(loading.promise, signal)
      return hold(entry, loaded, performance.now() - begun)
    } catch (error) {
      if (loading.waiters === 1) loading.controller.abort(error)
      throw error
    } finally {
      loading.waiters--
      if (onProgress) loading.listeners.delete(onProgress)
    }
  }

  const host: ModelHost = {
    async use(file, useOptions = {}) {
      const { signal } = useOptions
      const entry = entryOf(file.id)
      for (;;) {
        signal?.throwIfAborted()
        const held = host.useIfReady(file)
        if (held) return held
        if (entry.loaded && entry.holds > 0) {
          // Answers that have begun end with the file they began with; then the new one is loaded.
          await untilAborted(entry.released.promise, signal)
          continue
        }
        const loading = entry.loading ?? beginLoading(entry, file, useOptions.contextLength)
        if (!loading.controller.signal.aborted) return await join(entry, loading, useOptions)
        await loading.promise.catch(() => {})
      }
    },

    useIfReady(file) {
      const entry = entries.get(file.id)
      return entry?.loaded && isSameFile(entry.loaded.file, file) ? hold(entry, entry.loaded) : undefined
    },

    async forget(id) {
      const entry = entries.get(id)
      if (!entry?.loaded) return
      entry.forgotten = true
      if (entry.holds === 0) await drop(entry)
    },

    async unload(id) {
      const entry = entries.get(id)
      if (!entry) return
      if (entry.holds > 0 || entry.loading) {
        throw new LmappError('busy', `"${id}" is answering; it can be unloaded afterwards.`, { details: { model: id } })
      }
      await drop(entry)
    },

    isReady: (id) => entries.get(id)?.loaded !== undefined,
    slots: (id) => entryOf(id).slots,

    health() {
      const known = [...entries.values()]
      return {
        active: known.reduce((sum, entry) => sum + entry.slots.active, 0),
        queued: known.reduce((sum, entry) => sum + entry.slots.queued, 0),
        models: known.map(({ id, loaded, loading }): ModelHealth => {
          if (loading) return { id, state: 'loading', progress: loading.progress }
          return { id, state: loaded ? 'ready' : 'unloaded' }
        }),
      }
    },

    async [Symbol.asyncDispose]() {
      const known = [...entries.values()]
      for (const entry of known) entry.loading?.controller.abort(new LmappError('backend-stopped', 'It was stopped.'))
      await Promise.allSettled(known.map((entry) => entry.loading?.promise))
      for (const entry of known) await drop(entry)
    },
  }
  return host
}

function isSameFile(left: ModelFile, right: ModelFile): boolean {
  return (
    left.parts.length === right.parts.length && left.parts.every((part, index) => isSamePart(part, right.parts[index]))
  )
}
