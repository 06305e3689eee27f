import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { LmappError } from 'lmapp-kit'
import type { Llama } from 'node-llama-cpp'
import { createThreadGovernor, type ThreadGovernor } from './thread-governor.ts'

type Library = typeof import('node-llama-cpp')

/** A parsed chat template. */
export interface ChatTemplate {
  render(values: Record<string, unknown>): string
}

/** llama.cpp in this process. It stays until the process ends; models are what takes memory, and they are disposed. */
export interface Runtime {
  readonly library: Library
  readonly llama: Llama
  readonly engineVersion: string
  readonly threads: number
  readonly governor: ThreadGovernor
  parseTemplate(text: string): ChatTemplate
}

export interface RuntimeOptions {
  runtimeDir?: string
  threads: number
  log(level: 'warning' | 'error', message: string): void
}

/** Uses the build that is installed; never builds and never downloads. */
export async function openRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { library, Template } = await importLibrary(options.runtimeDir)
  const llama = await shareLlama(library)
  const threads = Math.min(options.threads, llama.cpuMathCores || options.threads)
  llama.logger = (level, message) => options.log(level === 'warn' ? 'warning' : 'error', message.trimEnd())
  return {
    library,
    llama,
    engineVersion: `llama.cpp ${llama.llamaCppRelease.release}`,
    threads,
    governor: createThreadGovernor({
      most: threads,
      apply(count) {
        llama.maxThreads = count
      },
    }),
    parseTemplate: (text) => new Template(text),
  }
}

interface Imported {
  library: Library
  /** Of the template engine that node-llama-cpp itself depends on. */
  Template: new (
    text: string,
  ) => ChatTemplate
}

async function importLibrary(runtimeDir: string | undefined): Promise<Imported> {
  try {
    const here = runtimeDir === undefined ? import.meta.url : join(runtimeDir, 'resolve.js')
    const entry = createRequire(here).resolve('node-llama-cpp')
    const [library, jinja] = await Promise.all([
      import(pathToFileURL(entry).href),
      import(pathToFileURL(createRequire(entry).resolve('@huggingface/jinja')).href),
    ])
    return { library, Template: jinja.Template }
  } catch (cause) {
    throw new LmappError('tool-missing', 'node-llama-cpp, which runs models inside lmapp, is not installed.', {
      hint: 'Let lmapp fetch it: lmapp backends install embedded',
      details: { package: 'node-llama-cpp', ...(runtimeDir !== undefined && { runtimeDir }) },
      cause,
    })
  }
}

/** One for each copy of the library: it cannot be disposed once a load has failed, and waits for ever if one tries. */
const shared = new Map<Library, Promise<Llama>>()

async function shareLlama(library: Library): Promise<Llama> {
  const llama = shared.get(library) ?? openLlama(library)
  shared.set(library, llama)
  try {
    return await llama
  } catch (error) {
    shared.delete(library)
    throw error
  }
}

async function openLlama(library: Library): Promise<Llama> {
  try {
    return await library.getLlama({
      gpu: 'auto',
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      maxThreads: 1,
      logLevel: library.LlamaLogLevel.warn,
    })
  } catch (cause) {
    throw new LmappError('backend-start-failed', 'No build of llama.cpp that is installed runs on this machine.', {
      hint: 'Fetch the one that fits: lmapp backends install embedded',
      details: { platform: process.platform, arch: process.arch },
      cause,
    })
  }
}
