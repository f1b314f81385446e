// What a payout tool written with taquito does: one scene a run. Its arguments come as JSON on
// standard input, and what taquito saw goes out as JSON on standard output.

import { InMemorySigner } from '@taquito/signer';
import {
  CompositeForger,
  OpKind,
  PollingSubscribeProvider,
  RpcForger,
  TaquitoLocalForger,
  TezosToolkit,
} from '@taquito/taquito';

const CONFIRMATIONS = 2;

function client({ url, secretKey }) {
  const tezos = new TezosToolkit(url);
  // This forger stops wherever the node forges otherwise than taquito does.
  const forger = new CompositeForger([
    tezos.getFactory(TaquitoLocalForger)(),
    tezos.getFactory(RpcForger)(),
  ]);
  tezos.setProvider({
    forger,
    signer: new InMemorySigner(secretKey),
    config: { confirmationPollingTimeoutSecond: 30 },
  });
  const polling = { pollingIntervalMilliseconds: 25 };
  tezos.setStreamProvider(tezos.getFactory(PollingSubscribeProvider)(polling));
  return { tezos, forger };
}

function transfer([to, amount]) {
  return { to, amount, mutez: true };
}

function transaction(payment) {
  return { kind: OpKind.TRANSACTION, ...transfer(payment) };
}

function limits(estimate) {
  return {
    fee: estimate.suggestedFeeMutez,
    gasLimit: estimate.gasLimit,
    storageLimit: estimate.storageLimit,
    burn: estimate.burnFeeMutez,
  };
}

async function confirmed(operation) {
  await operation.confirmation(CONFIRMATIONS);
  return { hash: operation.hash, status: operation.status, level: operation.includedInBlock };
}

// The same error reaches callers as a body over HTTP, or read by taquito.
async function seen(attempt) {
  try {
    await attempt();
  } catch (error) {
    const errors = error.errors ?? JSON.parse(error.body);
    return { name: error.name, status: error.status ?? null, errors };
  }
  return { name: null, status: null, errors: [] };
}

const scenes = {
  async reveal({ tezos }) {
    return await confirmed(await tezos.contract.reveal({}));
  },

  async pay({ tezos, payments }) {
    const answers = [];
    for (const payment of payments) {
      answers.push(await confirmed(await tezos.contract.transfer(transfer(payment))));
    }
    return answers;
  },

  async payBatch({ tezos, payments }) {
    const contents = payments.map(transaction);
    const estimates = await tezos.estimate.batch(contents);
    const operation = await tezos.contract.batch(contents).send();
    return { ...(await confirmed(operation)), estimates: estimates.map(limits) };
  },

  async payByWallet({ tezos, payments }) {
    const [payment] = payments;
    const operation = await tezos.wallet.transfer(transfer(payment)).send();
    const last = await operation.confirmation(CONFIRMATIONS);
    return {
      hash: operation.opHash,
      status: await operation.status(),
      isInCurrentBranch: await last.isInCurrentBranch(),
    };
  },

  async look({ tezos, address }) {
    const { rpc } = tezos;
    const constants = await rpc.getConstants();
    return {
      chainId: await rpc.getChainId(),
      balance: (await tezos.tz.getBalance(address)).toString(),
      spendable: (await rpc.getSpendable(address)).toString(),
      fullBalance: (await rpc.getFullBalance(address)).toString(),
      delegate: await tezos.tz.getDelegate(address),
      contract: await rpc.getContract(address),
      managerKey: await rpc.getManagerKey(address),
      gasPerBlock: constants.hard_gas_limit_per_block.toString(),
      costPerByte: constants.cost_per_byte.toString(),
      liveBlocks: await rpc.getLiveBlocks(),
      protocols: await rpc.getProtocols(),
      header: await rpc.getBlockHeader(),
      pending: await rpc.getPendingOperations({ version: '2' }),
    };
  },

  // Prepared as usual, but only contents of these kinds, and each time with some fields changed.
  async preapplyWrongly({ tezos, forger, payments, kinds, changes }) {
    const prepared = await tezos.prepare.batch(payments.map(transaction));
    const { branch, contents } = tezos.prepare.toForge(prepared);
    const answers = [];
    for (const fields of changes) {
      const wrong = contents
        .filter(({ kind }) => kinds.includes(kind))
        .map((content) => ({ ...content, ...fields }));
      const bytes = await forger.forge({ branch, contents: wrong });
      const { prefixSig: signature } = await tezos.signer.sign(bytes, new Uint8Array([3]));
      const { protocol } = prepared.opOb;
      const operation = { protocol, branch, contents: wrong, signature };
      answers.push(await seen(() => tezos.rpc.preapplyOperations([operation])));
    }
    return answers;
  },

  async transferWrongly({ tezos, payments, changes }) {
    const [payment] = payments;
    const answers = [];
    for (const fields of changes) {
      const wrong = { ...transfer(payment), ...fields };
      answers.push(await seen(() => tezos.contract.transfer(wrong)));
    }
    return answers;
  },
};

const { scene, ...given } = JSON.parse(await new Response(process.stdin).text());
const answer = await scenes[scene]({ ...given, ...client(given) });
console.log(JSON.stringify(answer));
