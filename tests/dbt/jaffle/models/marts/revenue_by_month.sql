select date_trunc('month', ordered_at) as month, sum(amount) as revenue, count(*) as orders
from {{ ref('orders') }}
where status <> 'returned'
group by 1
