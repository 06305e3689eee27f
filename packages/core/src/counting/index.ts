export {
  type CountRequest,
  createTokenCounter,
  type TokenCounter,
  type TokenCounterOptions,
} from './create-token-counter.ts'
