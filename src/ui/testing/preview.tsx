import counterSource from '../../../canisters/counter/main.mo?raw';
import { compileMotoko } from '../../workers/compiler/index.ts';
import { createPage, createUiStore, createWorkshopStore, followNetwork, followTheme } from '../index.tsx';
import { scriptedNetwork } from './scripted-network.ts';

const ui = createUiStore(localStorage, location.hash);
followTheme(ui);
const page = createPage(document.getElementById('root') as HTMLElement);
const count = Number(new URLSearchParams(location.search).get('nodes') ?? 4);
const network = scriptedNetwork(count);
const services = { network, compile: compileMotoko, projection: followNetwork(network).store, ui, workshop: createWorkshopStore(counterSource) };
page.showNetwork(services, performance.now());
