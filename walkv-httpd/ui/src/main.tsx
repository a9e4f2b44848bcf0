// SPDX-License-Identifier: MIT
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createRoot } from 'react-dom/client';
import { App } from './app/app';
import { ApiError } from './api/errors';
import { collectHistory } from './overview/history';
import './styles.css';

const client = new QueryClient({
    defaultOptions: {
        queries: {
            staleTime: 5_000,
            networkMode: 'always',
            retry: (failures, error) => failures < 3 && !(error instanceof ApiError && error.status < 500),
        },
        mutations: { networkMode: 'always', retry: false },
    },
});

collectHistory(client);

const root = document.getElementById('root');
if (root)
    createRoot(root).render(
        <QueryClientProvider client={client}>
            <App />
        </QueryClientProvider>,
    );
