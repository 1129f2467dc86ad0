"""How often the role is right: on columns of eight languages, and on the columns of the real databases."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from dbsynth.dialect import connect
from dbsynth.pipeline.planner import profile_sample
from dbsynth.schema.model import Column, Table, TableName
from dbsynth.schema.roles import infer_roles
from dbsynth.schema.types import arrow_type
from tests.schema.role_corpus import LOCALES, cases

LEAST = 0.95

REAL: dict[str, str] = {
    "oracle_hr": """
        countries.country_id=country_code countries.country_name=country departments.department_id=surrogate_key
        departments.department_name=label employees.first_name=first_name employees.last_name=last_name
        employees.email=email employees.phone_number=phone employees.hire_date=moment employees.job_id=category
        employees.salary=money employees.commission_pct=percentage employees.department_id=foreign_key
        jobs.job_id=natural_key jobs.job_title=label jobs.min_salary=money locations.street_address=street
        locations.postal_code=postcode locations.city=city locations.state_province=state""",
    "chinook": """
        album.title=label artist.name=full_name customer.customer_id=surrogate_key customer.first_name=first_name
        customer.last_name=last_name customer.company=company customer.address=street customer.city=city
        customer.state=state customer.country=country customer.postal_code=postcode customer.phone=phone
        customer.fax=phone customer.email=email customer.support_rep_id=foreign_key employee.title=label
        employee.birth_date=birth_date employee.hire_date=moment employee.reports_to=foreign_key genre.name=label
        invoice.billing_address=street invoice.billing_city=city invoice.billing_country=country invoice.total=money
        invoice_line.unit_price=money invoice_line.quantity=count media_type.name=label track.name=label
        track.composer=full_name track.milliseconds=measure track.bytes=measure""",
    "northwind": """
        categories.category_name=label categories.picture=structured customers.customer_id=natural_key
        customers.company_name=company customers.contact_name=full_name customers.contact_title=category
        customers.address=street customers.city=city customers.region=state customers.postal_code=postcode
        customers.country=country customers.phone=phone employees.title_of_courtesy=salutation
        employees.birth_date=birth_date employees.home_phone=phone employees.country=country employees.notes=text
        employees.photo_path=url order_details.discount=percentage orders.ship_name=company
        orders.ship_address=street orders.ship_city=city orders.ship_country=country orders.freight=money
        products.product_name=label products.units_in_stock=count products.discontinued=flag
        shippers.company_name=company suppliers.contact_name=full_name suppliers.homepage=url
        territories.territory_id=natural_key us_states.state_name=state us_states.state_abbr=state""",
    "oracle_co": """
        customers.email_address=email customers.full_name=full_name order_items.line_item_id=identifier
        order_items.unit_price=money orders.order_status=category products.product_name=label
        products.product_details=json products.image_filename=path shipments.delivery_address=street
        shipments.shipment_status=category stores.web_address=url stores.physical_address=street
        stores.latitude=latitude stores.longitude=longitude""",
    "rossmann": """
        store.store_type=category store.competition_distance=measure store.competition_open_since_month=date_part
        store.competition_open_since_year=year store.promo2=flag store.promo_interval=category train.sales=money
        train.customers=count train.day_of_week=date_part train.open=flag""",
    "pagila17": """
        actor.first_name=first_name actor.last_name=last_name address.address=street address.district=state
        address.postal_code=postcode address.phone=phone category.name=label city.city=city country.country=country
        customer.email=email customer.activebool=flag film.title=label film.description=text film.release_year=year
        film.rental_rate=money film.length=measure film.rating=category film.fulltext=structured
        language.name=language payment.amount=money rental.rental_period=structured staff.username=user_name
        staff.password=password""",
    "nycflights13": """
        airlines.carrier=natural_key airlines.name=label airports.faa=natural_key airports.lat=latitude
        airports.lon=longitude airports.alt=measure airports.tzone=time_zone flights.year=year
        flights.month=date_part flights.dep_delay=measure flights.distance=measure planes.tailnum=natural_key
        planes.manufacturer=category weather.temp=measure weather.wind_speed=measure weather.pressure=measure""",
    "mondial": """
        country.name=country country.code=country_code country.capital=city country.population=count
        country.area=measure city.name=city city.province=state city.latitude=latitude city.longitude=longitude
        province.name=state language.name=language encompasses.percentage=percentage economy.gdp=money
        mountain.elevation=measure river.length=measure airport.iatacode=natural_key citypops.year=year
        organization.name=company""",
    "stackexchange_ai": """
        badges.name=category comments.text=text posts.body=html posts.title=text posts.view_count=count
        posts.tags=structured users.display_name=full_name users.website_url=url users.location=city
        users.about_me=html users.profile_image_url=url users.up_votes=count users.account_id=identifier
        votes.bounty_amount=money""",
    "walmart": """
        features.temperature=measure features.fuel_price=money features.is_holiday=flag sales.weekly_sales=money
        stores.type=category stores.size=measure""",
    "adventureworks": """
        employee.nationalidnumber=national_id employee.loginid=user_name employee.jobtitle=category
        employee.birthdate=birth_date employee.gender=sex employee.salariedflag=flag employee.rowguid=uuid
        employee.organizationnode=code jobcandidate.resume=xml address.addressline1=street address.city=city
        address.postalcode=postcode countryregion.countryregioncode=country_code countryregion.name=country
        emailaddress.emailaddress=email password.passwordhash=password password.passwordsalt=password
        personphone.phonenumber=phone stateprovince.name=state culture.cultureid=language document.filename=path
        product.productnumber=sku product.color=colour product.listprice=money product.weight=measure
        productdescription.description=text productphoto.largephotofilename=path
        productreview.reviewername=full_name productreview.rating=ordinal vendor.name=company
        vendor.accountnumber=account vendor.purchasingwebserviceurl=url creditcard.cardnumber=card
        creditcard.expyear=year currency.currencycode=currency salestaxrate.taxrate=percentage store.name=label
        store.demographics=xml""",
}
"""By database and column what a person says that it means."""


def test_roles_of_columns_in_eight_languages() -> None:
    known = cases()
    assert len(known) >= 150
    assert len(LOCALES) == 8
    wrong = []
    for table, name, type_, values, expected in known:
        owner = Table(TableName("public", table), (Column(name, type_, str(type_.__visit_name__)),))
        found = infer_roles(owner, pa.table({name: pa.array(values, arrow_type(type_))}))[name]
        if found.role != expected:
            wrong.append(f"{table}.{name}: {found.role} ({found.evidence}), not {expected}")
    assert len(wrong) <= (1 - LEAST) * len(known), wrong


@pytest.mark.databases
def test_roles_of_real_columns(real_template: Callable[[str], str], postgres_url: str) -> None:
    wrong, known = [], 0
    for name, text in REAL.items():
        database = connect(f"{postgres_url.rsplit('/', 1)[0]}/{real_template(name)}")
        schema = database.introspect(None)
        rows = database.count([t.name for t in schema.tables], None)
        wanted: dict[str, dict[str, str]] = {}
        for entry in text.split():
            column, _, role = entry.partition("=")
            wanted.setdefault(column.split(".")[0], {})[column.split(".")[1]] = role
        for table in (t for t in schema.tables if t.name.name in wanted):
            sample = profile_sample(database, table, rows[table.name], None)
            found = infer_roles(table, sample, 5, rows[table.name])
            for column, role in wanted[table.name.name].items():
                known += 1
                if found[column].role != role:
                    wrong.append(f"{name}.{table.name.name}.{column}: {found[column].role}, not {role}")
        database.close()
    assert known >= 120
    assert len(wrong) <= (1 - LEAST) * known, wrong
