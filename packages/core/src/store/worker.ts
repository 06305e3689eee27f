import { parentPort, workerData } from 'node:worker_threads'
import { serveStore } from './serve-store.ts'
import type { WorkerOptions } from './store-protocol.ts'

if (!parentPort) throw new Error('This file runs as the worker of openStore.')
serveStore(parentPort, workerData as WorkerOptions)
