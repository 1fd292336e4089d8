import { MemoryStore } from '../src/index.js'
import { contract } from './contract.js'

contract('memory', () => Promise.resolve(new MemoryStore()))
